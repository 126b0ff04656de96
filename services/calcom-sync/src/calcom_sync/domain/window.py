"""A range of time that a sync is asked for.

Cal.com leaves out what crosses an end of the range (scheduling.md section 1), so it is asked for more and what lies
outside is left out here.

Invariant: a booking that takes some of the range's time is in it, however little.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

_MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From when on, and until when; None: without an end on that side."""

    start: datetime | None = None
    end: datetime | None = None

    def has(self, start: datetime, end: datetime) -> bool:
        """Tell whether something takes some of its time."""
        return (self.end is None or start < self.end) and (self.start is None or end > self.start)

    def widened(self) -> Self:
        """Make what Cal.com is asked for, so that bookings up to a day long are not lost at its ends."""
        return type(self)(self.start and self.start - _MARGIN, self.end and self.end + _MARGIN)
