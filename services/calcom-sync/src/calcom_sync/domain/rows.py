"""One row of Cal.com's bookings, as its API tells it (scheduling.md section 1).

Invariant: nothing is interpreted: what Cal.com left out or left empty is None, and all else is as it was told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LIVE = frozenset({"accepted", "pending", "awaiting_host"})
"""The statuses of what takes place or may yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowHost:
    """Who receives the attendees; `email` is the one that people know.

    Attributes:
        id: a number, or the word "unknown".
    """

    id: int | str | None
    name: str
    email: str
    timezone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAttendee:
    """Who was invited; `email` is the one that people know, which Cal.com may store otherwise.

    Attributes:
        absent: whether the host marked them as not having come.
        seat_uid: their seat, of a booking with seats.
    """

    name: str
    email: str
    phone: str | None
    timezone: str | None
    absent: bool
    seat_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A booking of Cal.com's: one of a chain of reschedules, one of a series.

    Attributes:
        uid: its id; a reschedule makes another row.
        status: `accepted`, `pending`, `cancelled`, `rejected`, `awaiting_host`, or a word that is not known yet.
        cancellation_reason: also carried by a row that a reschedule made: no sign that anything was called off.
        rescheduled_from_uid: the row that this one took the place of.
        rescheduled_to_uid: the row that took the place of this one; not told of rows of a series.
        rescheduled_by_email: who moved it away from here; told even where the row that took its place is not.
        recurring_booking_uid: what the rows of a series have in common.
        updated_at: when the row changed; an attendee's absence does not move it.
    """

    uid: str
    status: str
    start: datetime
    end: datetime
    title: str
    description: str | None
    location: str | None
    hosts: tuple[RowHost, ...]
    attendees: tuple[RowAttendee, ...]
    event_type_id: int | None
    event_type_slug: str | None
    cancellation_reason: str | None
    rescheduling_reason: str | None
    rescheduled_from_uid: str | None
    rescheduled_to_uid: str | None
    recurring_booking_uid: str | None
    absent_host: bool
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime | None
    rescheduled_by_email: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it was not called off, as far as is known."""
        return self.status in LIVE

    @property
    def is_seated(self) -> bool:
        """Whether each attendee booked a seat by themselves, so that one can leave without the others."""
        return any(attendee.seat_uid is not None for attendee in self.attendees)
