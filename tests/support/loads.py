"""How much work was done in the thread of the event loop, and how much beside it.

Invariant: it is measured in time of the processor, so a busy machine changes nothing of it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Work:
    """Seconds of work.

    Attributes:
        here: in the thread that measured.
        beside: in all others.
    """

    here: float = 0.0
    beside: float = 0.0


@contextmanager
def beside() -> Iterator[Work]:
    """Measure the work that is done in the block; it is told when the block has ended."""
    work, here, whole = Work(), time.thread_time(), time.process_time()
    yield work
    work.here = time.thread_time() - here
    work.beside = time.process_time() - whole - work.here
