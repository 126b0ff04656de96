"""Where a reader of the list by last writing stands.

A position in that list is a transaction's number and, among what it wrote, a booking's id. The list ends before the
oldest transaction that is still running: whatever commits later has a greater number than all that the list has shown.

Invariant: a position that was given out stays before everything that is not shown yet.
"""

import base64
import re
from dataclasses import dataclass
from typing import Self

from booking.domain.errors import InvalidCursorError

_PARAM = "starting_after"
_TEXT = re.compile(r"1\.(?P<era>[0-9A-F-]{1,64})\.(?P<written>[0-9]{1,18})\.(?P<booking_id>[0-9a-z_]{0,64})")


@dataclass(frozen=True, order=True)
class Position:
    """A position in the list: after what the transaction wrote up to this id; an empty id is before all of it."""

    written: int
    booking_id: str = ""


@dataclass(frozen=True)
class Cursor:
    """A position that a reader was given.

    Attributes:
        era: the database whose transactions are numbered; one that was restored, or that took over from another, may
            give a number again.
        position: where the reader stands.
    """

    era: str
    position: Position

    def __str__(self) -> str:
        told = f"1.{self.era}.{self.position.written}.{self.position.booking_id}"
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            InvalidCursorError: it is something else.
        """
        try:
            told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        except ValueError:
            told = ""
        match = _TEXT.fullmatch(told)
        if match is None:
            raise InvalidCursorError("the cursor is none that this list has given", param=_PARAM)
        return cls(match["era"], Position(int(match["written"]), match["booking_id"]))


@dataclass(frozen=True)
class Horizon:
    """How far the list reaches at the moment.

    Attributes:
        era: as a cursor's.
        settled: every transaction below this number has ended; the list ends before it.
        unused: no transaction has this number yet, or a greater one.
        restored: whether bookings carry such numbers all the same, as they come from another database.
        first: where a reader without a cursor begins: no transaction below wrote a booking that it wants.
    """

    era: str
    settled: int
    unused: int
    restored: bool
    first: int

    def start(self, after: Cursor | None) -> Position:
        """Tell the position to read on from.

        Raises:
            InvalidCursorError: the cursor is of another era.
        """
        if after is None:
            return Position(self.first)
        if after.era != self.era or after.position.written > self.unused:
            raise InvalidCursorError(
                "the database was restored since this cursor was given: start again without one", param=_PARAM
            )
        return after.position

    def cursor(self, last: Position | None) -> Cursor:
        """Tell where a reader stands who has seen the list as far as `last`; with None, all that there is."""
        return Cursor(self.era, Position(self.settled) if last is None else last)
