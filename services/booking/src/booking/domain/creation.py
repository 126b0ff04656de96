"""How a booking comes to be.

Invariant: a draft that `draft` answers breaks no rule that can be told without looking at other bookings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking, merge_metadata
from booking.domain.checks import check_known, check_metadata, check_not_past, check_open, check_tables
from booking.domain.errors import Flaws
from booking.domain.place import Place
from booking.domain.status import Status
from booking.domain.times import Span, check_span


@dataclass(frozen=True, kw_only=True)
class NewBooking:
    """What a caller asks for (seed 001, and api.md section 2).

    Attributes:
        schedule_id: it or `location_id`, or both, are given.
        table_ids: the tables that staff chose; None leaves the choice of one to us.
        seated: whether the guests sit already, a walk-in.
        override_availability: whether staff book outside the weekly hours knowingly.
    """

    schedule_id: str | None
    event_type_id: str | None
    location_id: str | None
    table_ids: tuple[str, ...] | None
    start_time: datetime
    end_time: datetime
    timezone: str | None
    title: str | None
    location: str | None
    location_type: str | None
    attendee_name: str
    attendee_email: str
    attendee_phone: str | None
    attendee_timezone: str | None
    attendee_notes: str | None
    party_size: int
    source: str
    seated: bool
    override_availability: bool
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        """When it is to be, without buffers."""
        return Span(self.start_time, self.end_time)


def check_request(new: NewBooking, actor: Actor) -> None:
    """Refuse what can be refused before anything is read.

    Raises:
        ForbiddenError: a client key asks for what is the staff's.
        ValidationFailedError: the times are out of bounds, or tables are chosen without the location they stand in.
    """
    for param, deed, asked in (
        ("table_ids", "choose tables", new.table_ids is not None),
        ("status", "seat guests", new.seated),
        ("override_availability", "book outside the weekly hours", new.override_availability),
    ):
        if asked:
            actor.must_be_staff(deed, param=param)
    flaws = Flaws()
    if new.table_ids is not None and new.location_id is None:
        flaws.add("table_ids", "must come with a location_id", "location_id")
    with flaws.gathered():
        check_span(new.span)
    flaws.tell()


def draft(new: NewBooking, place: Place, actor: Actor, *, booking_id: str, now: datetime) -> Booking:
    """Make the booking, before its tables are found and its first event is recorded.

    Args:
        new: what is asked for; it passed `check_request`.
        place: what was found of the ids it names.
        actor: who asks.
        booking_id: the id it will have.
        now: the current instant.

    Raises:
        ValidationFailedError: an id names nothing, times are out of bounds with their buffers or, for a client, past,
            the metadata is too large, or the chosen tables do not fit.
        OutsideAvailabilityError: the time lies outside the schedule's weekly hours.
    """
    _check_fields(new, place, actor, now)
    zone = place.zone
    buffer_before, buffer_after = place.buffers
    status = _first_status(new, place)
    booking = Booking(
        id=booking_id,
        org_id=actor.org_id,
        client_id=actor.client_id,
        schedule_id=new.schedule_id,
        event_type_id=new.event_type_id,
        location_id=new.location_id,
        event_instance_id=None,
        table_ids=(),
        status=status,
        start_time=new.start_time,
        end_time=new.end_time,
        timezone=new.timezone or zone,
        zone=zone,
        title=new.title,
        location=new.location,
        location_type=new.location_type,
        attendee_name=new.attendee_name,
        attendee_email=new.attendee_email,
        attendee_phone=new.attendee_phone,
        attendee_timezone=new.attendee_timezone,
        attendee_notes=new.attendee_notes,
        metadata=merge_metadata({}, new.metadata),
        party_size=new.party_size,
        source=new.source,
        buffer_before_minutes=buffer_before,
        buffer_after_minutes=buffer_after,
        one_per_attendee=False,
        complete_after_minutes=None,
        confirmed_at=None if status is Status.PENDING else now,
        version=1,
        sequence=0,
        last_event_id=None,
        last_event_at=now,
        created_at=now,
        updated_at=now,
    )
    if not new.override_availability:
        check_open(booking, place)
    return booking


def _check_fields(new: NewBooking, place: Place, actor: Actor, now: datetime) -> None:
    flaws = Flaws()
    with flaws.gathered():
        check_known(
            place,
            schedule_id=new.schedule_id,
            location_id=new.location_id,
            event_type_id=new.event_type_id,
        )
    with flaws.gathered():
        buffer_before, buffer_after = place.buffers
        check_span(new.span, before_minutes=buffer_before, after_minutes=buffer_after)
    with flaws.gathered():
        check_not_past(new.start_time, actor, now)
    with flaws.gathered():
        check_metadata(merge_metadata({}, new.metadata))
    if new.table_ids is not None and place.location is not None:
        with flaws.gathered():
            check_tables(new.table_ids, place, new.party_size)
    flaws.tell()


def _first_status(new: NewBooking, place: Place) -> Status:
    """Decide whether the booking waits for a confirmation: the event type's word, else the place's."""
    if new.seated:
        return Status.SEATED
    if place.appointment and place.appointment.requires_confirmation is not None:
        return Status.PENDING if place.appointment.requires_confirmation else Status.CONFIRMED
    confirms = any(found.auto_confirm for found in (place.schedule, place.location) if found)
    return Status.CONFIRMED if confirms else Status.PENDING
