"""The filters of a list as SQL."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter, ReservationFilter
from booking.domain.status import Status
from booking.store.filters import conditions, reservation_conditions, statuses
from support.booking_values import CLIENT, END, STAFF, START


@pytest.mark.parametrize(
    ("actor", "where", "values"),
    [(STAFF, "org_id = $1", ["org_1"]), (CLIENT, "org_id = $1 AND client_id = $2", ["org_1", "cli_1"])],
)
def test_without_filters_the_organization_and_the_client_remain(actor: Actor, where: str, values: list[object]) -> None:
    assert conditions(actor, BookingFilter()) == (where, values)
    assert reservation_conditions(actor, ReservationFilter()) == (where, values)


@pytest.mark.parametrize(
    ("fields", "condition", "value"),
    [
        ({"schedule_id": "sch_1"}, "schedule_id = $2", "sch_1"),
        ({"event_type_id": "evt_1"}, "event_type_id = $2", "evt_1"),
        ({"location_id": "loc_1"}, "location_id = $2", "loc_1"),
        ({"event_instance_id": "ei_1"}, "event_instance_id = $2", "ei_1"),
        ({"starts_after": START}, "start_time > $2", START),
        ({"starts_from": START}, "start_time >= $2", START),
        ({"starts_until": END}, "start_time <= $2", END),
        ({"attendee_email": "Ada@Example.com"}, "lower(attendee_email) = $2", "ada@example.com"),
    ],
)
def test_every_filter_is_a_condition_on_its_column(fields: dict[str, Any], condition: str, value: object) -> None:
    assert conditions(STAFF, BookingFilter(**fields)) == (f"org_id = $1 AND {condition}", ["org_1", value])


@pytest.mark.parametrize(
    ("fields", "condition", "value"),
    [
        ({"schedule_id": "sch_1"}, "schedule_id = $2", "sch_1"),
        ({"location_id": "loc_1"}, "location_id = $2", "loc_1"),
        ({"status": Status.PENDING}, "status = $2", "PENDING"),
        ({"updated_since": START}, "updated_at >= $2", START),
    ],
)
def test_so_is_every_filter_of_reservations(fields: dict[str, Any], condition: str, value: object) -> None:
    wanted = ReservationFilter(**fields)
    assert reservation_conditions(STAFF, wanted) == (f"org_id = $1 AND {condition}", ["org_1", value])


def test_a_list_looks_under_every_status_unless_one_is_asked_for() -> None:
    assert statuses(BookingFilter()) == list(Status)
    assert statuses(BookingFilter(status=Status.PENDING)) == [Status.PENDING]


def test_a_date_bounds_the_start_too_a_day_wider_than_any_zone_is_from_utc() -> None:
    day = date(2026, 6, 2)
    where, values = conditions(STAFF, BookingFilter(starts_from=day, starts_until=day))
    assert where == ("org_id = $1 AND local_date >= $2 AND start_time >= $3 AND local_date <= $4 AND start_time <= $5")
    assert values[1:] == [day, datetime(2026, 6, 1, tzinfo=UTC), day, datetime(2026, 6, 4, tzinfo=UTC)]


def test_dates_beyond_what_can_be_booked_bound_no_start_within() -> None:
    _, (_, _, since) = conditions(STAFF, BookingFilter(starts_from=date.min))
    _, (_, _, until) = conditions(STAFF, BookingFilter(starts_until=date.max))
    assert (since, until) == (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 2, tzinfo=UTC))


def test_parameters_are_numbered_in_the_order_of_their_values() -> None:
    wanted = BookingFilter(schedule_id="sch_1", starts_from=START, attendee_email="a@b.example")
    where, values = conditions(CLIENT, wanted)
    assert where == (
        "org_id = $1 AND client_id = $2 AND schedule_id = $3 AND start_time >= $4 AND lower(attendee_email) = $5"
    )
    assert values == ["org_1", "cli_1", "sch_1", START, "a@b.example"]
