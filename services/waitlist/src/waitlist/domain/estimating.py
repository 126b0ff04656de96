"""How long an entry probably waits, by how long others did.

Invariant: an estimate is of what really happened at the same location or event instance; where too little has, there is
none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median

from waitlist.domain.entry import Placed
from waitlist.domain.status import Status

RECENT = 50
"""How many of the latest bookings of a place are looked at."""

ENOUGH = 5
"""How many of them have to be alike for an estimate."""


@dataclass(frozen=True)
class Past:
    """An entry that became a booking.

    Attributes:
        position: its place when it joined.
        minutes: from then to the booking.
    """

    position: int
    minutes: float


def estimated(placed: Placed, lately: Sequence[Past]) -> Placed:
    """Tell with an entry that waits how long it probably still does.

    That is the median of how long those waited who joined at a place like the one that it has now: at 1, at 2 or 3, at
    4 to 7, and so on, each group twice as large as the one before.

    Args:
        placed: the entry and its place.
        lately: the latest `RECENT` of the same location or event instance.
    """
    if placed.entry.status is not Status.WAITING or placed.position is None:
        return placed
    group = placed.position.bit_length()
    alike = [past.minutes for past in lately if past.position.bit_length() == group]
    return placed if len(alike) < ENOUGH else replace(placed, wait_minutes=ceil(median(alike)))
