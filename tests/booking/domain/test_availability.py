"""What is offered is what could be booked, looked at one start at a time."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from booking.domain.availability import Grid, room, starts
from booking.domain.hours import ALWAYS, WEEKDAYS, Hours, OpenHours, is_open
from booking.domain.times import Span

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
MINUTE = timedelta(minutes=1)
CLOCK_CHANGES = (date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 4, 5))
WALLS = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
HOURS = st.dictionaries(
    st.sampled_from(WEEKDAYS), st.lists(st.builds(OpenHours, start=WALLS, end=WALLS), min_size=1, max_size=3)
).map(Hours)
GRIDS = st.builds(
    Grid,
    duration=st.integers(1, 20).map(lambda n: n * 15 * MINUTE),
    interval=st.integers(1, 8).map(lambda n: n * 15 * MINUTE),
    before=st.integers(0, 3).map(lambda n: n * 10 * MINUTE),
    after=st.integers(0, 3).map(lambda n: n * 10 * MINUTE),
)
STRETCHES = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=8)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@given(HOURS | st.just(ALWAYS), st.sampled_from(ZONES), st.sampled_from(CLOCK_CHANGES), st.integers(1, 3), GRIDS)
def test_every_start_lies_inside_the_hours_and_every_stretch_begins_with_one_that_fits(
    hours: Hours, zone: str, day: date, days: int, grid: Grid
) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    window = Span(start, start + timedelta(days=days))
    offered = [at(second) for second in starts(hours, zone, window, grid)]
    assert offered == sorted(set(offered))
    assert all(window.start <= one < window.end for one in offered)
    assert all(is_open(hours, zone, Span(one, one + grid.duration)) for one in offered)
    weekly = hours.weekly or {}
    if len(weekly) == len(WEEKDAYS) and all(len(stretches) == 1 for stretches in weekly.values()):
        steps = {later - earlier for earlier, later in pairwise(offered)}
        assert not steps or min(steps) >= timedelta(minutes=1)


@given(st.sampled_from(ZONES), st.sampled_from(CLOCK_CHANGES))
def test_a_day_without_hours_has_as_many_starts_as_it_has_hours(zone: str, day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    grid = Grid(duration=30 * MINUTE, interval=30 * MINUTE)
    assert len(starts(ALWAYS, zone, Span(start, start + timedelta(days=4)), grid)) == 4 * 48


@given(st.lists(st.integers(0, 400), unique=True).map(sorted), GRIDS, st.dictionaries(st.integers(1, 5), STRETCHES))
def test_room_is_the_number_of_resources_that_are_free_all_the_time(
    offered: list[int], grid: Grid, found: dict[int, list[tuple[int, int]]]
) -> None:
    minute = 60
    seconds = [one * minute for one in offered]
    taken = {number: [(a * minute, (a + b) * minute) for a, b in stretches] for number, stretches in found.items()}
    before, ahead = grid.before.total_seconds(), (grid.duration + grid.after).total_seconds()
    expected = [
        sum(
            all(end <= one - before or begin >= one + ahead for begin, end in stretches) for stretches in taken.values()
        )
        for one in seconds
    ]
    assert room(seconds, grid, taken) == expected
