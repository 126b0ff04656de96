"""What uses reference data keeps it, and is told."""

import pytest

from booking.domain.errors import InUseError, ValidationFailedError
from booking.domain.reference import LaneUse, Schedule, Use, check_lanes, check_unused
from support.booking_values import END

ROOM = Schedule(name="Room", timezone="UTC", capacity=2)


def test_a_capacity_keeps_every_lane_in_use() -> None:
    check_lanes(ROOM, None)
    check_lanes(ROOM, LaneUse(2, END))
    with pytest.raises(ValidationFailedError) as refused:
        check_lanes(ROOM, LaneUse(3, END))
    assert refused.value.message == "capacity: must be at least 3: lane 3 holds bookings until 2026-06-02T11:00:00Z"
    assert refused.value.flaws[0].rule == "in_use"


@pytest.mark.parametrize(
    ("use", "noun", "told"),
    [
        (Use("booking", 12, END), "schedule", "12 bookings use this schedule, the last until 2026-06-02T11:00:00Z"),
        (Use("booking", 1, END), "client", "1 booking names this client, until 2026-06-02T11:00:00Z"),
        (Use("hold", 1), "table", "1 hold claims this table"),
        (Use("event type", 2), "schedule", "2 event types belong to this schedule"),
        (Use("table", 3), "location", "3 tables stand at this location"),
        (Use("table", 1), "section", "1 table stands in this section"),
        (Use("event instance", 1), "location", "1 event instance takes place at this location"),
        (Use("event instance", 4), "service", "4 event instances belong to this service"),
    ],
)
def test_a_use_is_told_in_words(use: Use, noun: str, told: str) -> None:
    assert use.told(noun) == told


def test_what_is_used_is_kept_and_every_use_counted() -> None:
    with pytest.raises(InUseError) as refused:
        check_unused("schedule", [Use("booking", 1, END), Use("event type", 2)], closed=False)
    assert refused.value.message == (
        "1 booking uses this schedule, until 2026-06-02T11:00:00Z; 2 event types belong to this schedule"
    )
    assert refused.value.details == {"bookings": 1, "event_types": 2}


def test_what_could_not_be_claimed_whole_is_kept() -> None:
    with pytest.raises(InUseError, match="time of this table is being taken"):
        check_unused("table", [], closed=False)


def test_what_nothing_uses_may_go() -> None:
    check_unused("table", [], closed=True)
