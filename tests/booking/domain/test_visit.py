"""Where and when a booking or hold is to be, before anything is read."""

from datetime import timedelta
from typing import Any

import pytest

from booking.domain.errors import ValidationFailedError
from booking.domain.place import InstancePlace
from booking.domain.visit import at_instance, check_shape, complete
from support.booking_values import END, START, a_visit, an_instance

HOUR = timedelta(hours=1)


def test_chosen_tables_need_their_location() -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_shape(a_visit(table_ids=("tbl_2",), end_time=START))
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [
        ("table_ids", "location_id"),
        ("end_time", "after_start"),
    ]


def test_what_is_left_out_is_filled_in_and_what_is_fixed_may_only_be_repeated() -> None:
    base = {"schedule_id": "sch_1", "start_time": START, "end_time": END}
    filled = complete({"schedule_id": "sch_1", "end_time": None}, base=base, fixed=["schedule_id"], owner="hold")
    assert filled == base
    assert complete({"end_time": END + HOUR}, base=base, fixed=["schedule_id"], owner="hold")["end_time"] == END + HOUR
    with pytest.raises(ValidationFailedError) as refused:
        complete({"schedule_id": "sch_2"}, base=base, fixed=["schedule_id", "location_id"], owner="hold")
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [("schedule_id", "hold")]


def test_an_event_instance_says_when_and_where() -> None:
    filled = at_instance({"event_instance_id": "ins_1", "party_size": 3}, an_instance())
    assert filled == {
        "event_instance_id": "ins_1",
        "location_id": "loc_1",
        "start_time": START,
        "end_time": END,
        "party_size": 3,
    }


@pytest.mark.parametrize(
    ("given", "instance", "param", "rule"),
    [
        ({}, None, "event_instance_id", "unknown"),
        ({}, an_instance(is_scheduled=False), "event_instance_id", "cancelled"),
        ({"start_time": START + HOUR}, an_instance(), "start_time", "event_instance"),
        ({"schedule_id": "sch_1"}, an_instance(), "schedule_id", "event_instance"),
        ({"table_ids": ("tbl_1",)}, an_instance(), "table_ids", "event_instance"),
        ({"location_id": "loc_2"}, an_instance(), "location_id", "event_instance"),
    ],
)
def test_nothing_else_may_be_said_of_an_event_instance(
    given: dict[str, Any], instance: InstancePlace | None, param: str, rule: str
) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        at_instance({"event_instance_id": "ins_1", **given}, instance)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [(param, rule)]
