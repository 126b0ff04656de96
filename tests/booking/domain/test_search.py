"""What is looked for: as the caller says, and else as the place does."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from booking.domain.errors import ValidationFailedError
from booking.domain.place import Appointment, Place
from booking.domain.search import Grid, Search, grid_of, looked_at, whole_dates, window_of
from booking.domain.times import Span
from support.booking_values import NOW, START, a_location, a_schedule

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
HOURLY = Grid(60 * MINUTE, 60 * MINUTE)


def a_search(**fields: Any) -> Search:
    defaults: dict[str, Any] = dict.fromkeys(Search.__dataclass_fields__) | {"party_size": 2}
    return Search(**{**defaults, **fields})


def a_place(*, schedule: bool = False, location: bool = False, **rules: Any) -> Place:
    return Place(
        schedule=a_schedule(timezone="UTC") if schedule else None,
        location=a_location(visit_minutes=105, interval_minutes=20) if location else None,
        appointment=Appointment(event_type_id="evt_1", **{"duration_minutes": 45, **rules}) if rules else None,
    )


@pytest.mark.parametrize(
    ("place", "asked", "minutes"),
    [
        (a_place(schedule=True), {"duration_minutes": 30}, (30, 30)),
        (a_place(schedule=True, location=True), {"duration_minutes": 30}, (30, 30)),
        (a_place(location=True), {}, (105, 20)),
        (a_place(location=True), {"duration_minutes": 30, "interval_minutes": 10}, (30, 10)),
        (a_place(schedule=True, horizon_days=9), {}, (45, 45)),
        (a_place(schedule=True, horizon_days=9), {"duration_minutes": 50}, (50, 50)),
        (a_place(location=True, horizon_days=9), {}, (45, 20)),
        (a_place(schedule=True, interval_minutes=15), {}, (45, 15)),
        (a_place(location=True, interval_minutes=15), {"interval_minutes": 30}, (45, 30)),
        (a_place(schedule=True, durations_minutes=(45, 90)), {"duration_minutes": 90}, (90, 90)),
    ],
)
def test_length_and_interval_are_the_callers_else_the_event_types_else_the_places(
    place: Place, asked: dict[str, int], minutes: tuple[int, int]
) -> None:
    grid = grid_of(a_search(**asked), place)
    assert (grid.duration / MINUTE, grid.interval / MINUTE) == minutes


@pytest.mark.parametrize(
    ("place", "asked", "flaws"),
    [
        (a_place(schedule=True), {}, {("duration_minutes", "missing")}),
        (a_place(schedule=True, location=True), {}, {("duration_minutes", "missing")}),
        (
            a_place(schedule=True, durations_minutes=(45, 90)),
            {"duration_minutes": 60},
            {("duration_minutes", "one_of")},
        ),
        (a_place(schedule=True, interval_minutes=15), {"interval_minutes": 20}, {("interval_minutes", "multiple_of")}),
        (
            a_place(schedule=True, durations_minutes=(45,), interval_minutes=60),
            {"duration_minutes": 30, "interval_minutes": 30},
            {("duration_minutes", "one_of"), ("interval_minutes", "multiple_of")},
        ),
    ],
)
def test_what_the_event_type_never_offers_is_not_looked_for(
    place: Place, asked: dict[str, int], flaws: set[tuple[str, str]]
) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        grid_of(a_search(**asked), place)
    assert {(flaw.param, flaw.rule) for flaw in refused.value.flaws} == flaws


def test_buffers_are_looked_at_beside_the_window() -> None:
    grid = grid_of(a_search(), a_place(schedule=True, buffer_before_minutes=10, buffer_after_minutes=5))
    assert looked_at(Span(START, START + DAY), grid) == Span(START - 10 * MINUTE, START + DAY + 50 * MINUTE)


def test_notice_and_horizon_bound_the_window_to_the_second() -> None:
    asked = a_search(since=date(2026, 5, 1), until=date(2026, 6, 30))
    bounds: list[tuple[dict[str, Any], Span]] = [
        ({"interval_minutes": 1}, Span(NOW, datetime(2026, 7, 1, tzinfo=UTC))),
        ({"minimum_notice_minutes": 90}, Span(NOW + 90 * MINUTE, datetime(2026, 7, 1, tzinfo=UTC))),
        ({"horizon_days": 3}, Span(NOW, NOW + 3 * DAY)),
    ]
    for rules, window in bounds:
        found = window_of(asked, a_place(schedule=True, **rules), HOURLY, now=NOW)
        assert timedelta() <= found.start - window.start < SECOND
        assert timedelta() <= found.end - window.end <= SECOND
        assert (found.start.microsecond, found.end.microsecond) == (0, 0)


def test_on_the_very_second_of_notice_and_horizon_a_start_is_looked_at() -> None:
    now = NOW.replace(microsecond=0)
    place = a_place(schedule=True, minimum_notice_minutes=60, horizon_days=1)
    assert window_of(a_search(), place, HOURLY, now=now) == Span(now + 60 * MINUTE, now + DAY + SECOND)


def test_a_window_that_notice_and_horizon_leave_nothing_of_is_empty() -> None:
    place = a_place(schedule=True, minimum_notice_minutes=3 * 24 * 60, horizon_days=2)
    found = window_of(a_search(), place, HOURLY, now=NOW)
    assert found.start == found.end


def test_the_dates_of_a_window_are_told_from_midnight_to_midnight_of_a_zone() -> None:
    spring = Span(datetime(2026, 3, 28, 22, 59, tzinfo=UTC), datetime(2026, 3, 28, 23, 1, tzinfo=UTC))
    assert whole_dates(spring, "Europe/Berlin") == Span(
        datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    )
