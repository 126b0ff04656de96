"""What Cal.com's database holds of a booking.

Invariant: a row never changes; what happens to a booking makes another row of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Status = Literal["accepted", "pending", "awaiting_host", "cancelled", "rejected"]
OVER: tuple[Status, ...] = ("cancelled", "rejected")


@dataclass(frozen=True)
class Host:
    """A user of Cal.com who receives people."""

    id: int = 7
    name: str = "Hanna Host"
    email: str = "hanna@host.example"
    timezone: str = "Europe/Berlin"


@dataclass(frozen=True)
class Kind:
    """An event type; one with seats takes several attendees, each of whom books by themselves."""

    id: int = 50
    slug: str = "consultation"
    minutes: int = 30
    seats: bool = False


@dataclass(frozen=True)
class Attendee:
    """Who comes; `email` may differ from the one that is shown, which is how Cal.com tells namesakes apart."""

    name: str = "Ada Guest"
    email: str = "ada@guest.example"
    timezone: str = "Europe/Berlin"
    phone: str | None = None
    absent: bool = False
    seat_uid: str | None = None
    stored_email: str | None = None


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One row of bookings."""

    id: int
    uid: str
    title: str
    kind: Kind
    host: Host
    start: datetime
    end: datetime
    created_at: datetime
    updated_at: datetime
    attendees: tuple[Attendee, ...]
    status: Status = "accepted"
    description: str = ""
    location: str = "integrations:daily"
    cancellation_reason: str = ""
    cancelled_by: str | None = None
    rescheduling_reason: str | None = None
    rescheduled_by: str | None = None
    from_uid: str | None = None
    to_uid: str | None = None
    recurring_uid: str | None = None
    absent_host: bool = False
    guests: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it was called off."""
        return self.status in OVER
