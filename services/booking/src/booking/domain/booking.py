"""A booking and the fields of it that integrators follow.

Invariant: a booking is a value; every change makes a new one. Its fields are the columns of its table.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.domain.status import COMPLETING, COUNTED, OCCUPYING, Status
from booking.domain.times import Span, epoch_seconds

UPDATED_FIELDS = (
    "start_time",
    "end_time",
    "timezone",
    "party_size",
    "title",
    "location",
    "location_type",
    "attendee_name",
    "attendee_email",
    "attendee_phone",
    "attendee_timezone",
    "attendee_notes",
    "source",
    "metadata",
)
"""The fields that `reservation.updated` tells of, exactly (events.md section 2)."""


@dataclass(frozen=True, kw_only=True)
class Booking:
    """The record.

    Attributes:
        tables_chosen: whether staff chose them, rather than that they were found for the party.
        zone: the location's time zone or, without a location, the schedule's; the feed tells times in it.
        buffer_before_minutes: kept from the event type at creation, so that the booking always occupies the same.
        buffer_after_minutes: as `buffer_before_minutes`.
        one_per_attendee: kept from the place at creation: whether its attendee has no other active one in its slot.
        complete_after_minutes: kept from the place at creation: how long after its end it completes by itself; None:
            never.
        confirmed_at: when it got beyond PENDING; None while it has not.
        sequence: the number of its latest event; they count 1, 2, 3 without a gap.
        last_event_id: the id of that event; the next one's is greater.
        last_event_at: the time of that event; the next one's is not before.
        version: counts changes, for `If-Match`.
        external_provider: where it was made, if not here.
        external_uid: the id that it has there now.
        times_editable: whether its times may be changed here.
        conflict: whether it is kept although its time was taken when it came from elsewhere: it occupies nothing, and
            claims its time as soon as that is free.
    """

    id: str
    org_id: str
    client_id: str | None
    schedule_id: str | None
    event_type_id: str | None
    location_id: str | None
    event_instance_id: str | None
    table_ids: tuple[str, ...]
    tables_chosen: bool
    status: Status
    start_time: datetime
    end_time: datetime
    timezone: str
    zone: str
    title: str | None
    location: str | None
    location_type: str | None
    attendee_name: str
    attendee_email: str
    attendee_phone: str | None
    attendee_timezone: str | None
    attendee_notes: str | None
    metadata: Mapping[str, object]
    party_size: int
    source: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    one_per_attendee: bool
    complete_after_minutes: int | None
    confirmed_at: datetime | None
    version: int
    sequence: int
    last_event_id: str | None
    last_event_at: datetime
    created_at: datetime
    updated_at: datetime
    external_provider: str | None = None
    external_uid: str | None = None
    times_editable: bool = True
    conflict: bool = False

    @property
    def span(self) -> Span:
        """The visit itself, without buffers."""
        return Span(self.start_time, self.end_time)

    @property
    def attendee_slot(self) -> str | None:
        """Whose and which slot this is, when nobody else may have the same; None when that does not matter."""
        if not self.one_per_attendee or self.status not in OCCUPYING:
            return None
        place = self.event_instance_id or self.schedule_id or self.location_id
        return f"{place} {epoch_seconds(self.start_time)} {self.attendee_email.casefold()}"

    @property
    def complete_at(self) -> datetime | None:
        """When it completes by itself: only what was confirmed before its end does."""
        if self.complete_after_minutes is None or self.status not in COMPLETING:
            return None
        if self.confirmed_at is None or self.confirmed_at >= self.end_time:
            return None
        return self.end_time + timedelta(minutes=self.complete_after_minutes)

    @property
    def spots(self) -> int:
        """How many spots of its event instance it takes; one that has completed was there."""
        return self.party_size if self.event_instance_id is not None and self.status in COUNTED else 0


@dataclass(frozen=True)
class FieldChange:
    """What a field was and has become."""

    before: object
    after: object


def merge_metadata(before: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Set the given keys; a value of None takes its key away (api.md section 2)."""
    return {key: value for key, value in {**before, **changes}.items() if value is not None}


def diff(before: Booking, after: Booking) -> dict[str, FieldChange]:
    """Answer the changed ones of `UPDATED_FIELDS`; `metadata` as a whole."""
    return {
        name: FieldChange(getattr(before, name), getattr(after, name))
        for name in UPDATED_FIELDS
        if _comparable(before, name) != _comparable(after, name)
    }


def _comparable(booking: Booking, name: str) -> object:
    """Answer a field so that `==` tells values apart as JSON does: to Python 1, 1.0 and true are the same."""
    value = getattr(booking, name)
    return json.dumps(dict(value), sort_keys=True) if name == "metadata" else value
