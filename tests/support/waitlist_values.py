"""Entries and what they are made of, for tests of the rules."""

from datetime import UTC, date, datetime
from typing import Any

from waitlist.domain.actors import Actor
from waitlist.domain.entry import Contact, Entry
from waitlist.domain.joining import NewEntry, Told, draft
from waitlist.domain.policy import DEFAULTS, PlaceKind, Policy
from waitlist.domain.told import Client, EventInstance, Location

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = date(2026, 12, 24)
STAFF = Actor("org_1", "staff")
BERLIN = Location("loc_1", "Europe/Berlin")
ADA = Client("cli_1", "Ada")
YOGA = EventInstance(
    id="inst_1",
    service_id="svc_1",
    title="Yoga",
    start_time=datetime(2026, 12, 1, 8, tzinfo=UTC),
    end_time=datetime(2026, 12, 1, 9, tzinfo=UTC),
    timezone="Europe/Berlin",
    max_attendance=3,
    remaining=0,
    cancelled=False,
)
TOLD = Told(location=BERLIN, client=ADA)
FULL = Told(instance=YOGA, client=ADA)


def a_request(**fields: Any) -> NewEntry:
    """Ask for tables of a location, for a client."""
    return NewEntry(**{"location_id": "loc_1", "requested_date": DAY, "client_id": "cli_1", **fields})


def an_event_request(**fields: Any) -> NewEntry:
    """Ask for spots of an event instance, for a client."""
    return NewEntry(**{"event_instance_id": "inst_1", "client_id": "cli_1", **fields})


def drafted(new: NewEntry, told: Told = TOLD, *, policy: Policy | None = None, now: datetime = NOW) -> Entry:
    """Make an entry, or be refused."""
    kind = PlaceKind.LOCATION if new.event_instance_id is None else PlaceKind.SERVICE
    return draft(new, told, policy or DEFAULTS[kind], actor=STAFF, entry_id="wle_1", now=now)


JO = Contact(name="Jo", email="jo@example.com")
