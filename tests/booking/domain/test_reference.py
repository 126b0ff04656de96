"""Reference data: what each kind is called, what it names and how many bookings it takes at once."""

import pytest

from booking.domain.errors import ValidationFailedError
from booking.domain.reference import (
    EVENT_TYPES,
    LOCATIONS,
    SCHEDULES,
    TABLES,
    Entity,
    EventType,
    LaneUse,
    Location,
    Schedule,
    Table,
    check_lanes,
)
from support.booking_values import END

ROOM = Schedule(name="Room", timezone="UTC", capacity=2)


def test_kinds_are_called_by_their_names_and_name_each_other() -> None:
    assert [kind.noun for kind in (LOCATIONS, TABLES, SCHEDULES, EVENT_TYPES)] == [
        "location",
        "table",
        "schedule",
        "event type",
    ]
    assert TABLES.references == {"location_id": LOCATIONS}
    assert EVENT_TYPES.references == {"schedule_id": SCHEDULES}


@pytest.mark.parametrize(
    ("entity", "lanes"),
    [
        (Location(name="Bistro", timezone="UTC"), 0),
        (Table(location_id="loc_1", name="T", min_party=1, max_party=9), 1),
        (ROOM, 2),
        (EventType(name="Talk", duration_minutes=30), 0),
    ],
)
def test_each_takes_as_many_bookings_at_once_as_it_has_lanes(entity: Entity, lanes: int) -> None:
    assert entity.lanes == lanes


def test_a_table_is_for_parties_of_its_least_to_its_most() -> None:
    assert Table(location_id="loc_1", name="T", min_party=4, max_party=4)
    with pytest.raises(ValidationFailedError) as refused:
        Table(location_id="loc_1", name="T", min_party=5, max_party=4)
    assert refused.value.message == "max_party: must not be below min_party"


def test_a_capacity_keeps_every_lane_in_use() -> None:
    check_lanes(ROOM, None)
    check_lanes(ROOM, LaneUse(2, END))
    with pytest.raises(ValidationFailedError) as refused:
        check_lanes(ROOM, LaneUse(3, END))
    assert refused.value.message == "capacity: must be at least 3: lane 3 holds bookings until 2026-06-02T11:00:00Z"
    assert refused.value.flaws[0].rule == "in_use"
