"""How a booking that was made elsewhere stands here (architecture.md section 8).

What is told of it is a projection, not a wish: whatever status it comes from and goes to, and wherever it moves, it
happened there. So neither the status machine nor opening hours, limits or notice have a say in it.

Invariant: a booking that is projected anew from the same snapshot is the same, but for what was changed here of what
the snapshot does not tell of.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from booking.domain.booking import Booking, merge_metadata
from booking.domain.change import facts
from booking.domain.checks import EXTERNAL_METADATA_BYTES, check_known, check_metadata
from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.facts import Created, Fact, Updated
from booking.domain.occupancy import stored_span
from booking.domain.place import Place
from booking.domain.status import Status
from booking.domain.times import Span, check_span
from slotwire_contracts import CalcomBooking

PROVIDER = "calcom"
TEXT_BYTES = 15_000
"""What is kept of a text, as JSON writes it: each is in the record of a change three times, beside the metadata."""

DETAILS_KEY = "calcom"
"""The key of a booking's metadata under which stands what it has no fields of its own for."""

_DETAILS = {
    "attendees",
    "host",
    "absent_host",
    "calcom_event_type",
    "recurring_booking_uid",
    "rescheduled_reason",
}


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What is known of all that is one booking here.

    Attributes:
        booking_id: that booking; None while nothing that came could be one.
        sequence: of the latest snapshot.
        metadata_keys: of the booking's metadata, those that came with it.
        answers: how many answers were given.
        last_answer_id: the id of the latest; the next one's is greater.
        last_answer_at: the time of the latest; the next one's is not before.
    """

    booking_id: str | None = None
    sequence: int = 0
    metadata_keys: tuple[str, ...] = ()
    answers: int = 0
    last_answer_id: str | None = None
    last_answer_at: datetime | None = None


def looked_at(seen: CalcomBooking, before: Booking | None) -> Span:
    """Tell in which time it takes place; with the buffers that it was made with, if it keeps them.

    Raises:
        ValidationFailedError: no booking can be at that time, or a text holds what cannot be stored.
    """
    _check_texts(seen)
    span = Span(seen.start_time, seen.end_time)
    if before is None or not keeps_buffers(seen, before):
        return check_span(span)
    return stored_span(replace(before, start_time=span.start, end_time=span.end))


def keeps_buffers(seen: CalcomBooking, before: Booking | None) -> bool:
    """Tell whether it is still an appointment of the kind that it was made as."""
    return before is not None and (before.schedule_id, before.event_type_id) == (seen.schedule_id, seen.event_type_id)


def projected(
    seen: CalcomBooking,
    before: Booking | None,
    place: Place,
    came_with_it: Collection[str],
    *,
    booking_id: str,
    org_id: str,
    now: datetime,
) -> Booking:
    """Make the booking that a snapshot tells of, before it claims its time.

    Args:
        seen: the snapshot.
        before: the booking as it is stored, its row locked; None when it is new.
        place: what was found of the ids that the snapshot names.
        came_with_it: the keys of its metadata that are the provider's; the others were set here and stay.
        booking_id: the id that a new one will have.
        org_id: the organization of a new one.
        now: the current instant.

    Raises:
        ValidationFailedError: an id names nothing of the organization, the time is out of bounds with the buffers of
            the event type, or the metadata is too large.
    """
    check_known(place, schedule_id=seen.schedule_id, location_id=None, event_type_id=seen.event_type_id)
    kept = {} if before is None else {k: v for k, v in before.metadata.items() if k not in came_with_it}
    metadata = merge_metadata(kept, provided_metadata(seen))
    check_metadata(metadata, at_most=EXTERNAL_METADATA_BYTES)
    base = before or _blank(booking_id, org_id, place, now)
    zone = base.zone if base.schedule_id == seen.schedule_id else place.zone
    buffers = (base.buffer_before_minutes, base.buffer_after_minutes) if keeps_buffers(seen, before) else place.buffers
    status = Status(seen.status.value)
    after = replace(
        base,
        **_who(seen),
        schedule_id=seen.schedule_id,
        event_type_id=seen.event_type_id,
        status=status,
        start_time=seen.start_time,
        end_time=seen.end_time,
        timezone=_known_zone(seen.timezone) or zone,
        zone=zone,
        title=_cut(seen.title) or None,
        location=_cut(seen.location),
        location_type=None if seen.location_type is None else seen.location_type.value,
        attendee_notes=_cut(seen.description),
        metadata=metadata,
        party_size=seen.party_size,
        source=PROVIDER,
        buffer_before_minutes=buffers[0],
        buffer_after_minutes=buffers[1],
        confirmed_at=None if status is Status.PENDING else base.confirmed_at or now,
        external_provider=PROVIDER,
        external_uid=seen.uid,
        times_editable=seen.times_editable,
    )
    stored_span(after)
    return after


def steps(before: Booking | None, after: Booking, reason: str | None, now: datetime) -> list[tuple[Fact, Booking]]:
    """Tell what happened, each with the booking right after it; nothing when the snapshot tells nothing new.

    What no field of `reservation.updated` tells of, such as another uid, or a time that could be claimed at last, is
    told by one without changes, unless another event shows the booking with it. Nothing is told of whether its times
    may be changed here: that is no part of the booking that the world sees.

    Args:
        before: the booking as it is stored; None when it is new.
        after: the booking as it is to be stored.
        reason: why its status is what it is.
        now: the current instant.
    """
    if before is None:
        return [(Created(after.source, after.party_size, walk_in=False), after)]
    moved_on = replace(after, version=before.version + 1, updated_at=now)
    told = facts(before, replace(moved_on, status=before.status), moved_on, _cut(reason))
    differs = replace(before, times_editable=after.times_editable) != after
    return told or ([(Updated({}), moved_on)] if differs else [])


def provided_metadata(seen: CalcomBooking) -> dict[str, object]:
    """Answer the keys of the metadata that come with a snapshot."""
    details = seen.model_dump(mode="json", include=_DETAILS)
    return merge_metadata(seen.metadata, {DETAILS_KEY: details})


def _blank(booking_id: str, org_id: str, place: Place, now: datetime) -> Booking:
    """Make a new booking of which nothing is known yet; whether it is completed is decided where it was made."""
    return Booking(
        id=booking_id,
        org_id=org_id,
        client_id=None,
        schedule_id=None,
        event_type_id=None,
        location_id=None,
        event_instance_id=None,
        table_ids=(),
        tables_chosen=False,
        status=Status.PENDING,
        start_time=now,
        end_time=now,
        timezone=place.zone,
        zone=place.zone,
        title=None,
        location=None,
        location_type=None,
        attendee_name="",
        attendee_email="",
        attendee_phone=None,
        attendee_timezone=None,
        attendee_notes=None,
        metadata={},
        party_size=1,
        source=PROVIDER,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        one_per_attendee=False,
        complete_after_minutes=None,
        confirmed_at=None,
        version=1,
        sequence=0,
        last_event_id=None,
        last_event_at=now,
        created_at=now,
        updated_at=now,
    )


def _who(seen: CalcomBooking) -> Mapping[str, Any]:
    """Answer who comes: the first attendee, or whoever came before if nobody is left."""
    if not seen.attendees:
        return {}
    first = seen.attendees[0]
    return {
        "attendee_name": _cut(first.name),
        "attendee_email": _cut(first.email),
        "attendee_phone": _cut(first.phone),
        "attendee_timezone": _known_zone(first.timezone),
    }


def _cut(text: str | None) -> str | None:
    """Keep what of a text fits; one character may be written with up to six bytes."""
    if text is None or 6 * len(text) <= TEXT_BYTES:
        return text
    size = 0
    for place, character in enumerate(text):
        size += len(json.dumps(character, ensure_ascii=False).encode()) - len('""')
        if size > TEXT_BYTES:
            return text[:place]
    return text


def _known_zone(name: str | None) -> str | None:
    """Answer the name of an IANA time zone; None for what is none."""
    try:
        return None if name is None else ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return None


def _check_texts(seen: CalcomBooking) -> None:
    """Refuse the one character that PostgreSQL has no place for.

    Raises:
        ValidationFailedError: with the first field that holds it.
    """
    for name, value in seen.model_dump().items():
        if _holds_nul(value):
            raise ValidationFailedError(Flaw(name, "must not hold the character U+0000", "text"))


def _holds_nul(value: object) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return any(map(_holds_nul, value))
        case _:
            return False
