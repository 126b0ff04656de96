"""What clients and staff ask the booking service for.

Invariant: a command names bookings and holds by keys of the test's own, so that it is the same in every run.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

STAFF = "staff"


@dataclass(frozen=True, kw_only=True)
class CreateBooking:
    """Make a booking, of a hold where one is named; `longer` is how much longer than that it is to be."""

    key: str
    who: str
    where: str
    start: datetime
    end: datetime
    party: int
    email: str
    tables: frozenset[int] | None = None
    override: bool = False
    seated: bool = False
    hold: str | None = None
    longer: timedelta = timedelta()


@dataclass(frozen=True)
class ChangeBooking:
    """Change a booking's details or status; None leaves them."""

    booking: str
    who: str
    start: datetime | None = None
    end: datetime | None = None
    party: int | None = None
    tables: frozenset[int] | None = None
    status: str | None = None
    correction: bool = False
    override: bool = False
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class CreateHold:
    """Hold something for some minutes."""

    key: str
    who: str
    where: str
    start: datetime
    end: datetime
    party: int
    minutes: int


@dataclass(frozen=True)
class ReleaseHold:
    """Release a hold."""

    hold: str
    who: str


@dataclass(frozen=True)
class MoveInstance:
    """Let the event instance begin at another time; it stays as long as it is."""

    start: datetime


@dataclass(frozen=True)
class CancelInstance:
    """Cancel the event instance."""


@dataclass(frozen=True)
class ChangeAll:
    """Give several bookings a status with one request; each of them is a change for itself."""

    changes: tuple[ChangeBooking, ...]


Command = CreateBooking | ChangeBooking | CreateHold | ReleaseHold | MoveInstance | CancelInstance
Request = Command | ChangeAll
