"""Values of the booking domain with defaults, so that a test names only what it is about."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.creation import Attendee, NewBooking
from booking.domain.place import InstancePlace, LocationPlace, SchedulePlace, TablePlace
from booking.domain.status import Status
from booking.domain.visit import Visit

NOW = datetime(2026, 6, 1, 8, 0, 0, 123456, tzinfo=UTC)
START = datetime(2026, 6, 2, 10, tzinfo=UTC)
END = START + timedelta(hours=1)
STAFF = Actor("org_1", "staff")
CLIENT = Actor("org_1", "client", "cli_1")


def a_booking(**fields: Any) -> Booking:
    """A confirmed booking of one hour on a schedule, tomorrow."""
    defaults: dict[str, Any] = {
        "id": "bk_1",
        "org_id": "org_1",
        "client_id": None,
        "schedule_id": "sch_1",
        "event_type_id": None,
        "location_id": None,
        "event_instance_id": None,
        "table_ids": (),
        "tables_chosen": False,
        "status": Status.CONFIRMED,
        "start_time": START,
        "end_time": END,
        "timezone": "Europe/Berlin",
        "zone": "Europe/Berlin",
        "title": None,
        "location": None,
        "location_type": None,
        "attendee_name": "Ada",
        "attendee_email": "ada@example.com",
        "attendee_phone": None,
        "attendee_timezone": None,
        "attendee_notes": None,
        "metadata": {},
        "party_size": 2,
        "source": "api",
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "one_per_attendee": False,
        "complete_after_minutes": None,
        "confirmed_at": None,
        "version": 1,
        "sequence": 1,
        "last_event_id": "evt_1",
        "last_event_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Booking(**{**defaults, **fields})


VISIT = {field.name for field in fields(Visit)}
ADA = Attendee("Ada", "ada@example.com")


def a_visit(**changed: Any) -> Visit:
    """Where and when `a_booking` is."""
    return Visit(**{"schedule_id": "sch_1", "start_time": START, "end_time": END, "party_size": 2, **changed})


def a_request(**changed: Any) -> NewBooking:
    """What a caller asks for to get `a_booking`."""
    visit = {"schedule_id": "sch_1", "start_time": START, "end_time": END, "party_size": 2}
    visit |= {name: value for name, value in changed.items() if name in VISIT}
    rest = {name: value for name, value in changed.items() if name not in VISIT}
    return NewBooking(**{"visit": visit, "attendee": ADA, **rest})


def a_schedule(**fields: Any) -> SchedulePlace:
    """A schedule of one lane, open at any time, that leaves confirming to staff."""
    defaults: dict[str, Any] = {
        "schedule_id": "sch_1",
        "timezone": "Europe/Berlin",
        "lanes": (7,),
    }
    return SchedulePlace(**{**defaults, **fields})


def a_location(*tables: TablePlace, **fields: Any) -> LocationPlace:
    """A location in New York with some tables."""
    defaults: dict[str, Any] = {
        "location_id": "loc_1",
        "timezone": "America/New_York",
        "tables": tables,
    }
    return LocationPlace(**{**defaults, **fields})


def an_instance(**fields: Any) -> InstancePlace:
    """An event with ten places, all of them free."""
    defaults: dict[str, Any] = {
        "instance_id": "ins_1",
        "service_id": "srv_1",
        "location_id": "loc_1",
        "timezone": "Europe/Berlin",
        "start_time": START,
        "end_time": END,
        "max_attendance": 10,
        "attendance": 0,
    }
    return InstancePlace(**{**defaults, **fields})
