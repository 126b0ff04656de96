"""The bookings that fill a month are such as could have been posted."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from bench.measures.availability import CAPACITY, DAYS, SIZES, visits

FIRST = date(2026, 11, 22)
OCCUPIED = timedelta(minutes=40)


@pytest.mark.parametrize("size", SIZES)
def test_no_lane_is_taken_twice(size: int) -> None:
    taken = defaultdict(list)
    for start, lane in zip(*visits(FIRST, size), strict=True):
        taken[lane].append(start)
    assert sum(len(starts) for starts in taken.values()) == size
    assert set(taken) <= set(range(1, CAPACITY + 1))
    assert all(later - earlier >= OCCUPIED for starts in taken.values() for earlier, later in pairwise(sorted(starts)))


@pytest.mark.parametrize("size", SIZES)
def test_they_are_spread_over_the_month(size: int) -> None:
    starts, _ = visits(FIRST, size)
    days = {(start - timedelta(hours=8)).date() for start in starts}  # Los Angeles in winter
    assert days == {FIRST + timedelta(days=number) for number in range(DAYS)}


def test_the_first_lane_is_full_before_the_second_has_any() -> None:
    starts, lanes = visits(FIRST, 745)
    assert lanes.count(1) == 744
    assert starts[744] == starts[0]
    assert starts[0] == datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
