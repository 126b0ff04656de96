"""The facts of a change are given their identities."""

from datetime import datetime, timedelta

from booking.domain.facts import Created, Updated, record
from support.booking_values import NOW, a_booking

LATER = NOW + timedelta(seconds=1)


def counted(previous: str | None, at: datetime) -> str:
    """Make an id that tells what it was made of."""
    return f"{previous}>{at:%S}"


def test_the_first_events_of_a_booking_count_from_one() -> None:
    drafted = a_booking(sequence=0, last_event_id=None)
    (event,) = record([(Created("api", 2, walk_in=False), drafted)], None, now=NOW, next_id=counted)
    assert (event.id, event.sequence, event.at) == ("None>00", 1, NOW)
    assert (event.booking.sequence, event.booking.last_event_id, event.booking.last_event_at) == (1, event.id, NOW)


def test_several_facts_of_one_change_follow_each_other_at_its_time() -> None:
    before = a_booking(sequence=4, last_event_id="evt_4")
    steps = [(Updated({}), a_booking(title="Tea")), (Updated({}), a_booking(title="Cake"))]
    events = record(steps, before, now=LATER, next_id=counted)
    assert [(event.id, event.sequence, event.at) for event in events] == [
        ("evt_4>01", 5, LATER),
        ("evt_4>01>01", 6, LATER),
    ]
    assert [event.booking.title for event in events] == ["Tea", "Cake"]


def test_a_clock_that_went_back_leaves_the_time_where_it_was() -> None:
    before = a_booking(last_event_at=LATER)
    (event,) = record([(Updated({}), before)], before, now=NOW, next_id=counted)
    assert event.at == LATER


def test_nothing_that_happened_is_no_event() -> None:
    assert record([], a_booking(), now=NOW, next_id=counted) == []
