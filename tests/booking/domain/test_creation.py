"""How a booking comes to be, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.creation import Attendee, NewBooking, check_attendee, check_request, draft
from booking.domain.errors import ForbiddenError, OutsideAvailabilityError, ValidationFailedError
from booking.domain.hours import Hours, OpenHours
from booking.domain.place import Appointment, Place, TablePlace
from booking.domain.status import Status
from booking.domain.visit import Visit
from support.booking_values import ADA, CLIENT, NOW, STAFF, START, a_location, a_request, a_schedule

CLOSED_ON_TUESDAYS = {"monday": [OpenHours(start="09:00", end="17:00")]}
TABLES = (TablePlace("tbl_2", 21, 1, 2), TablePlace("tbl_6", 23, 5, 6))


def an_appointment(**fields: Any) -> Appointment:
    defaults: dict[str, Any] = {
        "event_type_id": "evt_1",
        "schedule_id": None,
        "requires_confirmation": None,
        "duration_minutes": 60,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
    }
    return Appointment(**{**defaults, **fields})


def drafted(new: NewBooking, place: Place, actor: Actor) -> Booking:
    return draft(new, Visit(**new.visit), new.attendee or ADA, place, actor, booking_id="bk_9", now=NOW)


def test_a_draft_takes_what_was_asked_for_and_the_rest_from_its_place() -> None:
    appointment = an_appointment(buffer_before_minutes=5, buffer_after_minutes=10)
    place = Place(a_schedule(), a_location(*TABLES), appointment)
    new = a_request(location_id="loc_1", event_type_id="evt_1", metadata={"a": 1, "b": None})
    booking = drafted(new, place, CLIENT)
    assert (booking.id, booking.org_id, booking.client_id) == ("bk_9", "org_1", "cli_1")
    assert booking.zone == booking.timezone == "America/New_York"
    assert (booking.buffer_before_minutes, booking.buffer_after_minutes) == (5, 10)
    assert booking.metadata == {"a": 1}
    assert (booking.version, booking.sequence) == (1, 0)


def test_without_a_location_the_zone_is_the_schedules() -> None:
    booking = drafted(a_request(timezone="Asia/Tokyo"), Place(a_schedule()), STAFF)
    assert (booking.zone, booking.timezone) == ("Europe/Berlin", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("requires", "schedule_confirms", "location_confirms", "status"),
    [
        (None, False, False, Status.PENDING),
        (None, True, False, Status.CONFIRMED),
        (None, False, True, Status.CONFIRMED),
        (True, True, True, Status.PENDING),
        (False, False, False, Status.CONFIRMED),
    ],
)
def test_the_event_type_decides_on_confirmation_before_the_place_does(
    *, requires: bool | None, schedule_confirms: bool, location_confirms: bool, status: Status
) -> None:
    place = Place(
        a_schedule(auto_confirm=schedule_confirms),
        a_location(auto_confirm=location_confirms),
        an_appointment(requires_confirmation=requires),
    )
    new = a_request(location_id="loc_1", event_type_id="evt_1")
    assert drafted(new, place, STAFF).status is status


def test_a_walk_in_is_seated_whatever_confirms() -> None:
    assert drafted(a_request(seated=True), Place(a_schedule()), STAFF).status is Status.SEATED


def test_what_comes_from_the_waitlist_is_confirmed_whatever_confirms() -> None:
    place = Place(a_schedule(), None, an_appointment(requires_confirmation=True))
    new = a_request(event_type_id="evt_1", waitlist_entry_id="wle_1")
    assert drafted(new, place, STAFF).status is Status.CONFIRMED


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({}, "api"),
        ({"waitlist_entry_id": "wle_1"}, "waitlist"),
        ({"waitlist_entry_id": "wle_1", "source": "desk"}, "desk"),
        ({"source": "phone"}, "phone"),
    ],
)
def test_the_source_is_what_the_caller_says_or_else_the_waitlist_of_its_entries(
    fields: dict[str, str], source: str
) -> None:
    assert drafted(a_request(**fields), Place(a_schedule()), STAFF).source == source


@pytest.mark.parametrize(
    ("fields", "place", "param", "rule"),
    [
        ({}, Place(), "schedule_id", "unknown"),
        ({"location_id": "loc_9"}, Place(a_schedule()), "location_id", "unknown"),
        ({"event_type_id": "evt_9"}, Place(a_schedule()), "event_type_id", "unknown"),
        (
            {"event_type_id": "evt_1"},
            Place(a_schedule(), None, an_appointment(schedule_id="sch_2")),
            "event_type_id",
            "schedule_id",
        ),
        ({"end_time": START}, Place(a_schedule()), "end_time", "after_start"),
        ({"metadata": {"a": "x" * 20_000}}, Place(a_schedule()), "metadata", "max_size"),
        ({"metadata": {"a": float("inf")}}, Place(a_schedule()), "metadata", "json"),
        ({"metadata": {"a": "\ud800"}}, Place(a_schedule()), "metadata", "json"),
        ({"location_id": "loc_1", "table_ids": ("tbl_9",)}, Place(a_schedule(), a_location()), "table_ids", "unknown"),
        (
            {"location_id": "loc_1", "table_ids": ("tbl_2", "tbl_2")},
            Place(a_schedule(), a_location(*TABLES)),
            "table_ids",
            "unique",
        ),
        (
            {"location_id": "loc_1", "table_ids": ("tbl_2",), "party_size": 3},
            Place(a_schedule(), a_location(*TABLES)),
            "table_ids",
            "max_party",
        ),
        (
            {"location_id": "loc_1", "table_ids": ("tbl_2", "tbl_6"), "party_size": 4},
            Place(a_schedule(), a_location(*TABLES)),
            "table_ids",
            "min_party",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(fields: dict[str, Any], place: Place, param: str, rule: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        drafted(a_request(**fields), place, STAFF)
    assert refused.value.param == param
    assert refused.value.details is not None
    (told,) = refused.value.details["errors"]
    assert (told["param"], told["rule"]) == (param, rule)
    assert refused.value.message == f"{param}: {told['message']}"
    assert told["message"].startswith("must ")


def test_all_that_breaks_a_rule_is_refused_at_once() -> None:
    place = Place(location=a_location(*TABLES), appointment=an_appointment(schedule_id="sch_2"))
    new = a_request(
        location_id="loc_1",
        event_type_id="evt_1",
        start_time=NOW.replace(microsecond=0) - timedelta(hours=1),
        end_time=NOW.replace(microsecond=0) - timedelta(hours=2),
        metadata={"a": float("nan")},
        table_ids=("tbl_2",),
        party_size=3,
    )
    with pytest.raises(ValidationFailedError) as refused:
        drafted(new, place, CLIENT)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [
        ("schedule_id", "unknown"),
        ("event_type_id", "schedule_id"),
        ("end_time", "after_start"),
        ("start_time", "past"),
        ("table_ids", "max_party"),
        ("metadata", "json"),
    ]


def test_a_time_outside_the_hours_needs_the_staffs_word() -> None:
    place = Place(a_schedule(hours=Hours(CLOSED_ON_TUESDAYS)))
    with pytest.raises(OutsideAvailabilityError):
        drafted(a_request(), place, STAFF)
    assert drafted(a_request(override_availability=True), place, STAFF)


def test_without_hours_a_schedule_is_always_open_and_with_none_on_any_day_never() -> None:
    assert drafted(a_request(), Place(a_schedule()), STAFF)
    with pytest.raises(OutsideAvailabilityError):
        drafted(a_request(), Place(a_schedule(hours=Hours({}))), STAFF)


def test_a_client_may_not_book_the_past_and_staff_may() -> None:
    past = a_request(start_time=NOW.replace(microsecond=0) - timedelta(hours=1))
    with pytest.raises(ValidationFailedError) as refused:
        drafted(past, Place(a_schedule()), CLIENT)
    assert refused.value.param == "start_time"
    assert drafted(past, Place(a_schedule()), STAFF)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"table_ids": (), "location_id": "loc_1"}, "table_ids"),
        ({"seated": True}, "status"),
        ({"override_availability": True}, "override_availability"),
    ],
)
def test_what_is_the_staffs_is_refused_to_clients(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        check_request(a_request(**fields), CLIENT)
    assert refused.value.param == param
    check_request(a_request(**fields), STAFF)


def test_a_client_books_for_its_own_client_alone() -> None:
    check_request(a_request(client_id="cli_1"), CLIENT)
    with pytest.raises(ForbiddenError) as refused:
        check_request(a_request(client_id="cli_2"), CLIENT)
    assert refused.value.param == "client_id"
    check_request(a_request(client_id="cli_2"), STAFF)


@pytest.mark.parametrize(
    ("new", "client", "actor", "flaws"),
    [
        (a_request(client_id="cli_2"), None, STAFF, [("client_id", "unknown")]),
        (a_request(client_id="cli_2", attendee=None), None, STAFF, [("client_id", "unknown"), ("attendee", "missing")]),
        (a_request(client_id="cli_1", attendee=None), None, CLIENT, [("attendee", "missing")]),
    ],
)
def test_somebody_must_come(
    new: NewBooking, client: Attendee | None, actor: Actor, flaws: list[tuple[str, str]]
) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_attendee(new, client, actor)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == flaws


def test_who_comes_is_who_is_named_or_else_the_client_as_known() -> None:
    known = Attendee("Grace", "grace@example.com", phone="+1")
    assert check_attendee(a_request(client_id="cli_2"), known, STAFF) == ADA
    assert check_attendee(a_request(client_id="cli_2", attendee=None), known, STAFF) == known
    assert check_attendee(a_request(client_id="cli_1"), None, CLIENT) == ADA


@pytest.mark.parametrize(
    ("place", "fields", "one", "minutes"),
    [
        (Place(a_schedule(complete_after_minutes=30)), {}, True, 30),
        (Place(a_schedule(one_per_attendee=False)), {}, False, None),
        (Place(a_schedule()), {"override_availability": True}, False, None),
        (Place(a_schedule()), {"seated": True}, False, None),
        (
            Place(a_schedule(complete_after_minutes=5), a_location(one_per_attendee=False, complete_after_minutes=30)),
            {"location_id": "loc_1"},
            True,
            5,
        ),
        (
            Place(location=a_location(one_per_attendee=False, complete_after_minutes=30)),
            {"location_id": "loc_1", "schedule_id": None},
            False,
            30,
        ),
    ],
)
def test_what_a_place_says_of_its_bookings_is_kept_with_them(
    place: Place, fields: dict[str, Any], *, one: bool, minutes: int | None
) -> None:
    booking = drafted(a_request(**fields), place, STAFF)
    assert (booking.one_per_attendee, booking.complete_after_minutes) == (one, minutes)
