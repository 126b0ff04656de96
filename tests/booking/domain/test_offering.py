"""What an event type allows to be booked."""

from datetime import timedelta
from typing import Any

import pytest

from booking.domain.errors import OutsideAvailabilityError
from booking.domain.hours import WEEKDAYS, Hours, OpenHours
from booking.domain.offering import check_offered
from booking.domain.place import Appointment, Place
from booking.domain.times import Span
from support.booking_values import END, NOW, START, a_location, a_schedule

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TEN_PAST = Hours({day: [OpenHours(start="09:10", end="17:00")] for day in WEEKDAYS})


def an_appointment(**rules: Any) -> Appointment:
    return Appointment(event_type_id="evt_1", **{"duration_minutes": 60, **rules})


def at(**place: Any) -> Place:
    """A place in UTC, with the event type's rules and whose hours a test names."""
    rules = {name: place.pop(name) for name in list(place) if name not in {"schedule", "location"}}
    if not place:
        place["schedule"] = a_schedule(timezone="UTC")
    return Place(appointment=an_appointment(**rules), **place)


def test_without_an_event_type_or_rules_of_it_any_time_is_offered() -> None:
    for place in (Place(schedule=a_schedule()), at()):
        check_offered(Span(START + MINUTE / 60, END + MINUTE / 7), place, NOW)
        check_offered(Span(NOW, NOW + HOUR), place, NOW)


@pytest.mark.parametrize(
    ("rules", "span", "param", "told"),
    [
        (
            {"durations_minutes": (30, 90)},
            Span(START, END),
            "end_time",
            {"rule": "durations_minutes", "durations_minutes": [30, 90]},
        ),
        (
            {"interval_minutes": 45},
            Span(START, END),
            "start_time",
            {"rule": "interval_minutes", "interval_minutes": 45},
        ),
        (
            {"minimum_notice_minutes": 60},
            Span(NOW + HOUR - MINUTE / 60, END),
            "start_time",
            {"rule": "minimum_notice_minutes", "minimum_notice_minutes": 60},
        ),
        (
            {"horizon_days": 2},
            Span(NOW + 48 * HOUR + MINUTE / 60, NOW + 50 * HOUR),
            "start_time",
            {"rule": "horizon_days", "horizon_days": 2},
        ),
    ],
)
def test_what_breaks_a_rule_is_refused_and_the_rule_is_told(
    rules: dict[str, Any], span: Span, param: str, told: dict[str, Any]
) -> None:
    with pytest.raises(OutsideAvailabilityError) as refused:
        check_offered(span, at(**rules), NOW)
    assert (refused.value.param, refused.value.details) == (param, told)


@pytest.mark.parametrize(
    ("rules", "span"),
    [
        ({"durations_minutes": (30, 60)}, Span(START, END)),
        ({"interval_minutes": 30}, Span(START + 30 * MINUTE, END)),
        ({"minimum_notice_minutes": 60}, Span(NOW + HOUR, END)),
        ({"horizon_days": 2}, Span(NOW + 48 * HOUR, NOW + 50 * HOUR)),
    ],
)
def test_what_just_keeps_a_rule_is_offered(rules: dict[str, Any], span: Span) -> None:
    check_offered(span, at(**rules), NOW)


@pytest.mark.parametrize(
    ("place", "minutes"),
    [
        ({"schedule": a_schedule(timezone="UTC", hours=TEN_PAST)}, 10),
        ({"location": a_location(timezone="UTC", hours=TEN_PAST)}, 10),
        ({"schedule": a_schedule(), "location": a_location(timezone="UTC", hours=TEN_PAST)}, 10),
        ({"schedule": a_schedule(timezone="UTC", hours=TEN_PAST), "location": a_location()}, 10),
        ({"schedule": a_schedule(), "location": a_location()}, 0),
        ({"schedule": a_schedule(timezone="Asia/Kathmandu")}, 15),
    ],
)
def test_a_grid_begins_where_a_place_opens_and_else_with_its_day(place: dict[str, Any], minutes: int) -> None:
    where = at(interval_minutes=60, **place)
    check_offered(Span(START + minutes * MINUTE, END), where, NOW)
    with pytest.raises(OutsideAvailabilityError):
        check_offered(Span(START + (minutes + 1) * MINUTE, END), where, NOW)


def test_of_two_stretches_that_overlap_both_begin_a_grid() -> None:
    hours = Hours(
        {day: [OpenHours(start="09:00", end="12:00"), OpenHours(start="10:20", end="17:00")] for day in WEEKDAYS}
    )
    place = at(schedule=a_schedule(timezone="UTC", hours=hours), interval_minutes=60)
    for minutes in (0, 20, 60, 80, 140):
        check_offered(Span(START + minutes * MINUTE, END), place, NOW)
    with pytest.raises(OutsideAvailabilityError):
        check_offered(Span(START + 2 * HOUR, END + 2 * HOUR), place, NOW)
