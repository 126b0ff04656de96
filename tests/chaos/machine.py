"""Whether the machine itself is too busy for anybody's promptness to say something.

Invariant: it measures what a small piece of work waits for a processor, and nothing that the system does; a moment's
wait, of which nobody's promptness suffers, is not written down.
"""

import asyncio
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

from chaos.evidence import Fault
from chaos.journal import Journal
from chassis.clock import utc_now
from chassis.lifecycle import Stop

BUSY = 3.0
"""How many times the processor's time a piece of work takes on a machine that is too busy for its processes."""

_LOOK_SECONDS = 1.0
_LOOKS = 2  # so many in a row find it too busy before it is
_LEAST_SECONDS = 0.001
_APART = timedelta(seconds=3)
_WORK = (sys.executable, "-I", "-S", "-c", "sum(range(200_000))")


async def look_after(journal: Journal, over: Stop) -> None:
    """Write down, at the end, when the machine was too busy."""
    busy: list[Fault] = []
    looks: list[datetime] = []
    while not await over.wait(_LOOK_SECONDS):
        at = utc_now()
        looks = [*looks, at] if await asyncio.to_thread(strain) > BUSY else []
        if len(looks) >= _LOOKS:
            known = busy.pop() if busy and looks[0] - busy[-1].ended_at < _APART else None
            busy.append(Fault("busy", "machine", known.at if known else looks[0], utc_now()))
    journal.faults += busy


def strain() -> float:
    """Do a piece of work in a process of its own; answers how many times its processor's time it took."""
    began = time.monotonic()
    process = subprocess.Popen(_WORK)
    _, process.returncode, used = os.wait4(process.pid, 0)
    return (time.monotonic() - began) / max(used.ru_utime + used.ru_stime, _LEAST_SECONDS)
