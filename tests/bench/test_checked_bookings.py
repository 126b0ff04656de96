"""The bookings that every rule is checked for break none of them."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from bench.checked_bookings import CAPACITY, WEEKLY_HOURS, ZONE, CheckedSeries, date_overrides, first_day

from booking.domain.hours import Hours, is_open
from booking.domain.times import Span

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
FIRST = first_day(NOW)
SERIES = CheckedSeries(FIRST.isoformat(), ["sch_1", "sch_2", "sch_3"], ["loc_2"], "evt_1")
BUFFERS = timedelta(minutes=15)
BOOKINGS: list[dict[str, Any]] = [json.loads(SERIES.body(number)) for number in range(2_000)]


def span_of(booking: dict[str, Any]) -> Span:
    return Span(*(datetime.fromisoformat(booking[side]) for side in ("start_time", "end_time")))


def test_each_lies_in_the_hours_of_its_date() -> None:
    weekly: Any = WEEKLY_HOURS
    overrides: Any = date_overrides(FIRST)
    hours = Hours(weekly, overrides)
    assert all(is_open(hours, ZONE, span_of(booking)) for booking in BOOKINGS)
    days = {span_of(booking).start.date().isoformat() for booking in BOOKINGS}
    assert min(days) < min(overrides) < max(days)


def test_a_schedule_is_filled_to_its_capacity_and_no_further() -> None:
    taken = Counter((booking["schedule_id"], booking["start_time"]) for booking in BOOKINGS[: CAPACITY * 3 * 100])
    assert set(taken.values()) == {CAPACITY}


def test_no_buffers_overlap() -> None:
    starts = defaultdict(set)
    for booking in BOOKINGS:
        starts[booking["schedule_id"]].add(span_of(booking))
    for spans in starts.values():
        ordered = sorted(spans, key=lambda span: span.start)
        assert all(earlier.end + BUFFERS <= later.start for earlier, later in pairwise(ordered))


def test_they_begin_beyond_the_notice_and_within_the_horizon() -> None:
    starts = [span_of(booking).start for booking in BOOKINGS]
    assert NOW + timedelta(days=1) < starts[0]
    assert starts[-1] < NOW + timedelta(days=365)


def test_nobody_and_no_key_comes_twice() -> None:
    assert len({booking["attendee"]["email"] for booking in BOOKINGS}) == len(BOOKINGS)
    assert len({SERIES.headers(number) for number in range(len(BOOKINGS))}) == len(BOOKINGS)


def test_every_other_schedule_has_a_location() -> None:
    of_schedule = {(booking["schedule_id"], booking.get("location_id")) for booking in BOOKINGS}
    assert of_schedule == {("sch_1", None), ("sch_2", "loc_2"), ("sch_3", None)}
