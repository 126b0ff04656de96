"""The filters of a list as SQL."""

from datetime import date
from typing import Any

import pytest

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter
from booking.domain.status import Status
from booking.store.filters import conditions
from support.booking_values import CLIENT, END, STAFF, START


@pytest.mark.parametrize(
    ("actor", "where", "values"),
    [(STAFF, "org_id = $1", ["org_1"]), (CLIENT, "org_id = $1 AND client_id = $2", ["org_1", "cli_1"])],
)
def test_without_filters_the_organization_and_the_client_remain(actor: Actor, where: str, values: list[object]) -> None:
    assert conditions(actor, BookingFilter()) == (where, values)


@pytest.mark.parametrize(
    ("fields", "condition", "value"),
    [
        ({"schedule_id": "sch_1"}, "schedule_id = $2", "sch_1"),
        ({"event_type_id": "evt_1"}, "event_type_id = $2", "evt_1"),
        ({"status": Status.PENDING}, "status = $2", "PENDING"),
        ({"starts_after": START}, "start_time > $2", START),
        ({"starts_from": START}, "start_time >= $2", START),
        ({"starts_until": END}, "start_time <= $2", END),
        ({"starts_from": date(2026, 6, 2)}, "local_date >= $2", date(2026, 6, 2)),
        ({"starts_until": date(2026, 6, 2)}, "local_date <= $2", date(2026, 6, 2)),
        ({"attendee_email": "Ada@Example.com"}, "lower(attendee_email) = $2", "ada@example.com"),
    ],
)
def test_every_filter_is_a_condition_on_its_column(fields: dict[str, Any], condition: str, value: object) -> None:
    assert conditions(STAFF, BookingFilter(**fields)) == (f"org_id = $1 AND {condition}", ["org_1", value])


def test_parameters_are_numbered_in_the_order_of_their_values() -> None:
    wanted = BookingFilter(schedule_id="sch_1", starts_from=START, attendee_email="a@b.example")
    where, values = conditions(CLIENT, wanted)
    assert where == (
        "org_id = $1 AND client_id = $2 AND schedule_id = $3 AND start_time >= $4 AND lower(attendee_email) = $5"
    )
    assert values == ["org_1", "cli_1", "sch_1", START, "a@b.example"]
