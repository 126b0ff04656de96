"""What lists are asked for and answered with.

Invariant: a list is always one organization's; for a client key it is that client's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from booking.domain.cursors import Cursor
from booking.domain.status import Status

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    limit: int
    offset: int


@dataclass(frozen=True)
class Found(Generic[T]):
    """A page of a list, with the length of the whole."""

    items: Sequence[T]
    total: int
    page: Page

    @property
    def has_more(self) -> bool:
        """Tell whether anything follows this page."""
        return self.page.offset + len(self.items) < self.total


@dataclass(frozen=True, kw_only=True)
class BookingFilter:
    """Seed 001's filters and some more; None filters nothing.

    Attributes:
        client_id: whose bookings.
        starts_from: an instant, or a date in the booking's own zone; both inclusive.
        starts_until: as `starts_from`.
        starts_after: only bookings that start after this instant.
        attendee_email: compared without regard to case.
    """

    schedule_id: str | None = None
    event_type_id: str | None = None
    location_id: str | None = None
    event_instance_id: str | None = None
    client_id: str | None = None
    status: Status | None = None
    starts_after: datetime | None = None
    starts_from: datetime | date | None = None
    starts_until: datetime | date | None = None
    attendee_email: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReservationFilter:
    """The filters of the list by last writing; None filters nothing.

    Attributes:
        updated_since: an instant, inclusive.
    """

    schedule_id: str | None = None
    location_id: str | None = None
    status: Status | None = None
    updated_since: datetime | None = None


@dataclass(frozen=True)
class Followed(Generic[T]):
    """A page of a list that is followed: whether there is more now, and where to read on, now or later."""

    items: Sequence[T]
    has_more: bool
    next_cursor: Cursor | None


@dataclass(frozen=True)
class FeedPage:
    """Which part of a history is wanted: at most one of the cursors, an event's id, is given."""

    limit: int
    starting_after: str | None = None
    ending_before: str | None = None
