"""What is offered is what could be booked, looked at one start at a time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.domain.availability import how_many, room, seatable, slots, starts
from booking.domain.checks import check_open
from booking.domain.errors import OutsideAvailabilityError
from booking.domain.hours import ALWAYS, WEEKDAYS, Hours, OpenHours
from booking.domain.occupancy import choose, demands
from booking.domain.offering import check_offered
from booking.domain.place import Appointment, Place, TablePlace
from booking.domain.search import Grid
from booking.domain.stretches import Stretch, joined
from booking.domain.times import Span, epoch_seconds
from support.booking_values import START, a_booking, a_location, a_schedule
from support.clock_changes import clock_changes

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
CHANGES = [(zone, day) for zone in ZONES for day in clock_changes(zone, 2026)]
MINUTE = timedelta(minutes=1)
QUARTER = 15 * MINUTE
DAY = timedelta(days=1)
WALLS = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
OPEN = st.lists(st.builds(OpenHours, start=WALLS, end=WALLS), max_size=2)
WEEKLY = st.none() | st.dictionaries(st.sampled_from(WEEKDAYS), OPEN, min_size=5)
GRIDS = st.builds(
    Grid,
    duration=st.integers(1, 20).map(lambda n: n * QUARTER),
    interval=st.integers(1, 8).map(lambda n: n * QUARTER),
    before=st.integers(0, 3).map(lambda n: n * 10 * MINUTE),
    after=st.integers(0, 3).map(lambda n: n * 10 * MINUTE),
)
STARTS = st.lists(st.integers(0, 400), unique=True, max_size=20).map(sorted)
STRETCHES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=4)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def hours_around(day: date) -> st.SearchStrategy[Hours]:
    """Opening hours, some of the dates about a day having their own."""
    dates = st.sampled_from([(day + number * DAY).isoformat() for number in (-1, 0, 1)])
    return st.builds(Hours, WEEKLY, st.dictionaries(dates, OPEN, max_size=2))


@st.composite
def some_place(draw: st.DrawFn, zone: str, day: date) -> Place:
    """A schedule, a location, or both of them; one in the zone, the other perhaps elsewhere."""
    zones = draw(st.permutations([zone, draw(st.sampled_from(ZONES))]))
    schedule = a_schedule(timezone=zones[0], hours=draw(hours_around(day)))
    location = a_location(timezone=zones[1], hours=draw(hours_around(day)))
    kind = draw(st.sampled_from(["schedule", "location", "both"]))
    if kind == "both":
        return Place(schedule=schedule, location=location)
    if kind == "schedule":
        return Place(schedule=replace(schedule, timezone=zone))
    return Place(location=replace(location, timezone=zone))


def can_be_booked(span: Span, place: Place) -> bool:
    try:
        check_open(span, place)
        check_offered(span, place, span.start)
    except OutsideAvailabilityError:
        return False
    return True


@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), grid=GRIDS)
def test_about_every_change_of_the_clock_exactly_those_starts_are_offered_that_can_be_booked(
    zone: str, day: date, data: st.DataObject, grid: Grid
) -> None:
    """Every quarter of an hour of two days is tried, with an event type of that interval."""
    found = data.draw(some_place(zone, day))
    step = int(grid.interval / MINUTE)
    place = replace(found, appointment=Appointment(event_type_id="evt_1", duration_minutes=1, interval_minutes=step))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - data.draw(st.integers(0, 96)) * QUARTER
    window = Span(begin, begin + 2 * DAY)
    tried = [window.start + number * QUARTER for number in range(192)]
    expected = [start for start in tried if can_be_booked(Span(start, start + grid.duration), place)]
    assert [at(second) for second in starts(place, window, grid)] == expected


@given(st.sampled_from(CHANGES), st.data(), GRIDS, st.integers(2, 4))
def test_of_a_coarser_grid_every_start_is_one_of_the_finer(
    change: tuple[str, date], data: st.DataObject, grid: Grid, times: int
) -> None:
    zone, day = change
    place = data.draw(some_place(zone, day))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - DAY
    window = Span(begin, begin + 2 * DAY)
    coarser = replace(grid, interval=times * grid.interval)
    assert set(starts(place, window, coarser)) <= set(starts(place, window, grid))


@pytest.mark.parametrize(("zone", "day"), CHANGES, ids=str)
def test_a_day_without_hours_has_as_many_starts_as_it_has_hours(zone: str, day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    grid = Grid(duration=30 * MINUTE, interval=30 * MINUTE)
    place = Place(schedule=a_schedule(timezone=zone, hours=ALWAYS))
    assert len(starts(place, Span(start, start + 4 * DAY), grid)) == 4 * 48


@given(STARTS, st.dictionaries(st.integers(1, 5), STRETCHES))
def test_room_is_the_number_of_resources_that_do_not_block_a_start(
    offered: list[int], found: dict[int, list[Stretch]]
) -> None:
    blocked = {number: joined(stretches) for number, stretches in found.items()}
    assert room(offered, blocked) == [len(blocked) - len(blocking(one, blocked)) for one in offered]


def blocking(start: int, blocked: Mapping[int, list[Stretch]]) -> set[int]:
    return {number for number, stretches in blocked.items() if any(begin <= start < end for begin, end in stretches)}


@given(STARTS, st.lists(st.tuples(st.sampled_from([2, 3, 4]), st.booleans(), STRETCHES), max_size=6), st.integers(1, 9))
def test_so_many_parties_are_seatable_as_would_choose_tables_one_after_another(
    offered: list[int], found: list[tuple[int, bool, list[Stretch]]], party_size: int
) -> None:
    tables = tuple(
        TablePlace(f"tbl_{number}", number, 1, seats, None, combinable=combinable)
        for number, (seats, combinable, _) in enumerate(found)
    )
    blocked = {number: joined(stretches) for number, (_, _, stretches) in enumerate(found)}
    guest = a_booking(party_size=party_size)
    for start, remaining in zip(offered, seatable(offered, blocked, tables, party_size), strict=True):
        place = Place(location=a_location(*tables), taken=frozenset(blocking(start, blocked)))
        for _ in range(remaining):
            claim = choose(demands(guest, place, chosen=None), guest, place, span=guest.span)
            place = replace(place, taken=place.taken | {*claim.resource_nos})
        assert not can_be_seated(place, party_size)


def can_be_seated(place: Place, party_size: int) -> bool:
    free = [table for table in place.tables if table.resource_no not in place.taken]
    alone = any(table.max_party >= party_size for table in free)
    return alone or sum(table.max_party for table in free if table.combinable) >= party_size


def offered(place: Place, **fields: Any) -> list[tuple[str, int | None]]:
    """What is left of an hour from `START` on, at 0 and 30 minutes."""
    window, grid = Span(START, START + 60 * MINUTE), Grid(30 * MINUTE, 30 * MINUTE)
    numbers = [*(place.schedule.lanes if place.schedule else ()), *(table.resource_no for table in place.tables)]
    blocked = {number: fields.get("blocked", {}).get(number, []) for number in numbers}
    found = slots(place, 2, window, grid, blocked=blocked, booked=fields.get("booked", {}))
    return [(f"{at(slot.start):%H:%M}", slot.remaining) for slot in found]


def test_the_tightest_bound_tells_what_remains_and_what_has_no_room_is_left_out() -> None:
    first = (epoch_seconds(START), epoch_seconds(START) + 60)
    schedule, two = a_schedule(lanes=(1, 2, 3)), a_location(TablePlace("tbl_1", 8, 1, 2), TablePlace("tbl_2", 9, 1, 2))
    assert offered(Place(schedule=schedule), blocked={1: [first]}) == [("10:00", 2), ("10:30", 3)]
    assert offered(Place(schedule=schedule, location=two), blocked={8: [first]}) == [("10:00", 1), ("10:30", 2)]
    assert offered(Place(location=two), blocked={8: [first], 9: [first]}) == [("10:30", 2)]
    assert offered(Place(location=a_location())) == [("10:00", None), ("10:30", None)]
    limited = replace(schedule, max_bookings_per_day=4, timezone="Pacific/Auckland")  # where START is 22:00
    assert offered(Place(schedule=limited), booked={date(2026, 6, 2): 3}) == [("10:00", 1), ("10:30", 1)]
    assert offered(Place(schedule=limited), booked={date(2026, 6, 2): 4}) == []
    assert offered(Place(schedule=limited), booked={date(2026, 6, 2): 5, date(2026, 6, 3): 0}) == []


@given(STARTS, STRETCHES)
def test_a_start_is_counted_with_each_stretch_that_it_lies_in(offered: list[int], stretches: list[Stretch]) -> None:
    kept = [(begin, end) for begin, end in stretches if begin < end]
    assert how_many(offered, kept) == [sum(begin <= start < end for begin, end in kept) for start in offered]


def test_what_has_no_lane_takes_one_from_every_start_that_it_is_in_the_way_of() -> None:
    place = Place(schedule=a_schedule(lanes=(7, 8)))
    window, grid = Span(START, START + 4 * QUARTER), Grid(QUARTER, QUARTER)
    first = epoch_seconds(START)
    unplaced = [(first + 1, first + 1801), (first + 1700, first + 1801)]
    found = slots(place, 1, window, grid, blocked={7: (), 8: ()}, booked={}, unplaced=unplaced)
    assert [(slot.start - first, slot.remaining) for slot in found] == [(0, 2), (900, 1), (2700, 2)]
