"""Where ids come from: handed to the use cases, as the clock is.

Invariant: no use case makes an id by itself, so that whoever composes them decides on every one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Ids:
    """The makers of ids.

    Attributes:
        new: makes a fresh id with a prefix.
        following: makes an id with a prefix that is greater than the one given and carries the instant.
    """

    new: Callable[[str], str]
    following: Callable[[str, str | None, datetime], str]
