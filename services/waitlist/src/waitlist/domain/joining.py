"""What joining a waitlist asks for, and what is refused.

Invariant: an entry that was drafted names a guest who can be told apart from others and a place that is there, which is
still to come; whatever breaks a rule is refused with every flaw.
"""

from dataclasses import dataclass
from datetime import date, datetime

from waitlist.domain.actors import Actor
from waitlist.domain.entry import Contact, Entry, queue_of
from waitlist.domain.errors import Flaws
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status
from waitlist.domain.times import LATEST, local_date, time_text
from waitlist.domain.told import Client, EventInstance, Location
from waitlist.domain.window import END, START, Preferred, Window, window

NOT_FULL = "not_full"
"""The rule that an event instance breaks which has room for the party: it is booked, not waited for."""


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """What a caller asks for; who asks has settled whose it is."""

    location_id: str | None = None
    requested_date: date | None = None
    event_instance_id: str | None = None
    client_id: str | None = None
    contact: Contact | None = None
    party_size: int = 1
    preferred_start: Preferred = None
    preferred_end: Preferred = None
    priority: int = 0
    notes: str | None = None
    source_name: str | None = None
    channel: str | None = None
    time_zone: str | None = None
    matter_uid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What booking told of what an entry names; None where it names nothing, or nothing that is there."""

    location: Location | None = None
    instance: EventInstance | None = None
    client: Client | None = None


def draft(new: NewEntry, told: Told, policy: Policy, *, actor: Actor, entry_id: str, now: datetime) -> Entry:
    """Make an entry.

    Args:
        new: what is asked for.
        told: what booking told of what it names.
        policy: that of the place.
        actor: who asks.
        entry_id: the id that it will have.
        now: the current instant.

    Raises:
        ValidationFailedError: it names what is not there, no place or two, or no guest; it asks for what has passed,
            or for spots that are free.
    """
    flaws = Flaws()
    _check_guest(new, told.client, flaws)
    if new.event_instance_id is None:
        wanted = _at_location(new, told.location, now, flaws)
    else:
        wanted = Window(None, None)
        _check_alone(new, flaws)
        _check_instance(told.instance, new.party_size, policy, now, flaws)
    flaws.tell()
    return Entry(
        id=entry_id,
        org_id=actor.org_id,
        queue=queue_of(new.location_id, new.requested_date, new.event_instance_id),
        location_id=new.location_id,
        requested_date=new.requested_date,
        event_instance_id=new.event_instance_id,
        client_id=new.client_id,
        contact=new.contact,
        party_size=new.party_size,
        preferred_start=time_text(new.preferred_start),
        preferred_end=time_text(new.preferred_end),
        window_start=wanted.start,
        window_end=wanted.end,
        priority=new.priority,
        notes=new.notes,
        notes_by=None if new.notes is None else actor.name,
        source_name=new.source_name,
        channel=new.channel,
        time_zone=new.time_zone,
        matter_uid=new.matter_uid,
        initiator=actor.name,
        status=Status.WAITING,
        booking_id=None,
        joined_at=now,
        updated_at=now,
        version=0,
        sequence=0,
        last_event_id=None,
    )


def check_named(asked: NewEntry, told: Told) -> None:
    """Refuse to look for a client on the waitlist of an event instance where one of them is not there.

    Raises:
        ValidationFailedError: which of them.
    """
    flaws = Flaws()
    if told.instance is None:
        flaws.add_unknown("eventInstanceId", "event instance")
    if asked.client_id is None or told.client is None:
        flaws.add_unknown("userId", "client")
    flaws.tell()


def check_contact(contact: Contact | None, flaws: Flaws) -> None:
    """Refuse a contact by which a guest who is no client cannot be told apart from others, or be reached."""
    if contact is None or (contact.email is None and contact.phone is None):
        flaws.add("contact", "must have an email or a phone, unless userId is given", "missing")


def check_party(party_size: int, instance: EventInstance, flaws: Flaws) -> None:
    """Refuse a party for which an event instance never has the spots."""
    if party_size > instance.max_attendance:
        most = instance.max_attendance
        flaws.add("partySize", f"must be at most {most}, the spots of the event instance", "max_attendance")


def wanted_window(
    day: date, start: Preferred, end: Preferred, location: Location, *, now: datetime, flaws: Flaws
) -> Window:
    """Tell which instants preferred times stand for; those that have passed are refused, beside what `window` does."""
    found = window(day, start, end, zone=location.timezone, flaws=flaws)
    if found.end is not None and found.end <= now:
        flaws.add(END, "must not have passed", "past")
    return found


def _check_guest(new: NewEntry, client: Client | None, flaws: Flaws) -> None:
    if new.client_id is None:
        check_contact(new.contact, flaws)
    elif client is None:
        flaws.add_unknown("userId", "client")


def _check_alone(new: NewEntry, flaws: Flaws) -> None:
    given = {
        "locationId": new.location_id,
        "requestedDate": new.requested_date,
        START: new.preferred_start,
        END: new.preferred_end,
    }
    for param, value in given.items():
        if value is not None:
            flaws.add(param, "must be left out with eventInstanceId", "conflict")


def _check_instance(
    instance: EventInstance | None, party_size: int, policy: Policy, now: datetime, flaws: Flaws
) -> None:
    param = "eventInstanceId"
    if instance is None:
        flaws.add_unknown(param, "event instance")
        return
    if instance.cancelled:
        flaws.add(param, "must be the id of an event instance that takes place; this one is cancelled", "cancelled")
    elif now >= policy.cut_off(instance.start_time):
        flaws.add(param, "must be the id of an event instance that can still be offered; it is too late", "past")
    elif party_size <= instance.remaining:
        flaws.add(param, f"must be the id of a full event instance; this one has {instance.remaining} free", NOT_FULL)
    else:
        check_party(party_size, instance, flaws)


def _at_location(new: NewEntry, location: Location | None, now: datetime, flaws: Flaws) -> Window:
    if new.location_id is None:
        flaws.add("locationId", "must be given without eventInstanceId", "missing")
    elif location is None:
        flaws.add_unknown("locationId", "location")
    if new.requested_date is None:
        flaws.add("requestedDate", "must be given with locationId", "missing")
    if location is None or new.requested_date is None:
        return Window(None, None)
    if not local_date(now, location.timezone) <= new.requested_date < LATEST.date():
        flaws.add("requestedDate", f"must lie between today at the location and {LATEST.date()}", "bounds")
        return Window(None, None)
    return wanted_window(new.requested_date, new.preferred_start, new.preferred_end, location, now=now, flaws=flaws)
