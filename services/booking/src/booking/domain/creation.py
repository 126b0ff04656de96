"""How a booking comes to be.

Invariant: a draft that `draft` answers breaks no rule that can be told without looking at other bookings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking, merge_metadata
from booking.domain.checks import check_metadata
from booking.domain.errors import Flaws, ForbiddenError
from booking.domain.place import Place
from booking.domain.status import Status
from booking.domain.visit import Given, Visit, check_fields, check_rights, check_times


@dataclass(frozen=True)
class Attendee:
    """Who comes."""

    name: str
    email: str
    phone: str | None = None
    timezone: str | None = None
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewBooking:
    """What a caller asks for (seed 001, and api.md section 2).

    Attributes:
        visit: where and when it is to be, as far as no hold or event instance tells.
        hold_id: the hold that it is made of.
        client_id: the client who comes, where staff book for one.
        attendee: who comes; None for the client as we know them.
        source: where it comes from, in the caller's words; None where the caller says nothing.
        waitlist_entry_id: the entry of the waitlist that it is made of: it waits for no confirmation any more.
        seated: whether the guests sit already, a walk-in.
    """

    visit: Given
    hold_id: str | None = None
    client_id: str | None = None
    attendee: Attendee | None
    timezone: str | None = None
    title: str | None = None
    location: str | None = None
    location_type: str | None = None
    source: str | None = None
    waitlist_entry_id: str | None = None
    seated: bool = False
    metadata: Mapping[str, object] = field(default_factory=dict)


def check_request(new: NewBooking, actor: Actor) -> None:
    """Refuse a key that asks for what it may not.

    Raises:
        ForbiddenError: a client key asks for what is the staff's, or for another client's booking, or any key but our
            services' books for the waitlist: whoever names an entry settles which booking it became.
    """
    check_rights(new.visit, actor)
    if new.seated:
        actor.must_be_staff("seat guests", param="status")
    if new.waitlist_entry_id is not None:
        actor.must_be_internal("book for the waitlist", param="waitlist_entry_id")
    if actor.is_client and new.client_id not in {None, actor.client_id}:
        raise ForbiddenError("a client key may book for its own client only", param="client_id")


def check_attendee(new: NewBooking, client: Attendee | None, actor: Actor) -> Attendee:
    """Answer who comes.

    Args:
        new: what is asked for.
        client: what is known of the client who is named, or whose key asks; None when there is none such.
        actor: who asks.

    Raises:
        ValidationFailedError: staff name a client whom there is not, or nobody is named at all.
    """
    flaws = Flaws()
    if new.client_id is not None and client is None and not actor.is_client:
        flaws.add_unknown("client_id", "client")
    attendee = new.attendee or client
    if attendee is None:
        flaws.add("attendee", "must be given for a client who is not known", "missing")
    flaws.tell()
    if attendee is None:
        raise AssertionError("a flaw was told")
    return attendee


def draft(
    new: NewBooking,
    visit: Visit,
    attendee: Attendee,
    place: Place,
    actor: Actor,
    *,
    booking_id: str,
    now: datetime,
) -> Booking:
    """Make the booking, before its tables are found and its first event is recorded.

    Args:
        new: what is asked for.
        visit: where and when, complete; it passed `check_shape`.
        attendee: who comes.
        place: what was found of the ids that the visit names.
        actor: who asks.
        booking_id: the id it will have.
        now: the current instant.

    Raises:
        ValidationFailedError: a field breaks a rule, as `check_fields` says, or the metadata is too large.
        OutsideAvailabilityError: as `check_times` says.
    """
    flaws, metadata = Flaws(), merge_metadata({}, new.metadata)
    check_fields(visit, place, actor, flaws, now=now)
    with flaws.gathered():
        check_metadata(metadata)
    flaws.tell()
    check_times(visit, place, now)
    zone = place.zone
    buffer_before, buffer_after = place.buffers
    status = _first_status(new, place)
    return Booking(
        id=booking_id,
        org_id=actor.org_id,
        client_id=actor.client_id or new.client_id,
        schedule_id=visit.schedule_id,
        event_type_id=visit.event_type_id,
        location_id=visit.location_id,
        event_instance_id=visit.event_instance_id,
        table_ids=(),
        tables_chosen=visit.table_ids is not None,
        status=status,
        start_time=visit.start_time,
        end_time=visit.end_time,
        timezone=new.timezone or zone,
        zone=zone,
        title=new.title,
        location=new.location,
        location_type=new.location_type or (place.appointment.location_type if place.appointment else None),
        attendee_name=attendee.name,
        attendee_email=attendee.email,
        attendee_phone=attendee.phone,
        attendee_timezone=attendee.timezone,
        attendee_notes=attendee.notes,
        metadata=metadata,
        party_size=visit.party_size,
        source=_source(new),
        buffer_before_minutes=buffer_before,
        buffer_after_minutes=buffer_after,
        one_per_attendee=place.one_per_attendee and not new.seated and not visit.override_availability,
        complete_after_minutes=place.complete_after_minutes,
        confirmed_at=None if status is Status.PENDING else now,
        version=1,
        sequence=0,
        last_event_id=None,
        last_event_at=now,
        created_at=now,
        updated_at=now,
    )


def _source(new: NewBooking) -> str:
    """Tell where a booking comes from: what the caller says, else the waitlist if it is of an entry, else the API."""
    return new.source or ("api" if new.waitlist_entry_id is None else "waitlist")


def _first_status(new: NewBooking, place: Place) -> Status:
    """Decide whether the booking waits for a confirmation: the event's or event type's word, else the place's.

    One that comes from the waitlist was offered, and so waits for none (architecture.md section 6).
    """
    if new.seated:
        return Status.SEATED
    if new.waitlist_entry_id is not None:
        return Status.CONFIRMED
    said = [found.requires_confirmation for found in (place.instance, place.appointment) if found]
    requires = next((word for word in said if word is not None), None)
    if requires is None:
        requires = not any(found.auto_confirm for found in (place.schedule, place.location) if found)
    return Status.PENDING if requires else Status.CONFIRMED
