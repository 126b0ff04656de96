"""Wall times and instants, on every kind of day."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitlist.domain.times import (
    DAY,
    NotATimeError,
    daily_spans,
    day_span,
    exists,
    local_date,
    parse_date,
    parse_wall,
    parse_wall_or_instant,
    time_text,
    wall_instant,
)

DATES = st.dates(date(2020, 1, 1), date(2035, 12, 31))
WALLS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "UTC"]
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("00:00", time()),
        ("19:30", time(19, 30)),
        ("2031-07-04T19:30Z", datetime(2031, 7, 4, 19, 30, tzinfo=UTC)),
        ("2031-07-04T19:30:15.000+02:00", datetime(2031, 7, 4, 17, 30, 15, tzinfo=UTC)),
        ("2031-07-04t19:30:15z", datetime(2031, 7, 4, 19, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_callers_write_it(text: str, read: time | datetime) -> None:
    assert parse_wall_or_instant(text) == read


@pytest.mark.parametrize(
    "text", ["", "7:30", "24:00", "19:60", "19:30:00", "\uff120:00", "2031-07-04", "2031-07-04 19:30Z"]
)
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NotATimeError, match="must be"):
        parse_wall_or_instant(text)
    with pytest.raises(NotATimeError, match="must be a time of day"):
        parse_wall(text)


@pytest.mark.parametrize("text", ["", "2031-2-3", "2031-02-29", "20310203", "2031-02-03T00:00:00Z", "1700000000"])
def test_a_text_that_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(NotATimeError, match="must be a date"):
        parse_date(text)
    assert parse_date("2031-02-28") == date(2031, 2, 28)


@given(st.none() | WALLS | st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of aware ones
def test_what_is_written_reads_back(given_time: time | datetime | None) -> None:
    whole = given_time.replace(microsecond=0) if isinstance(given_time, datetime) else given_time
    text = time_text(whole)
    assert (None if text is None else parse_wall_or_instant(text)) == whole


def test_a_time_in_the_fold_is_its_first_pass_and_one_in_the_gap_does_not_exist() -> None:
    """architecture.md section 5: "a time in the spring gap does not exist, one in the autumn fold is the first"."""
    assert wall_instant(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    gap = date(2026, 3, 29)
    assert not exists(gap, time(2, 30), BERLIN)
    assert wall_instant(gap, time(2, 30), BERLIN) == datetime(2026, 3, 29, 1, tzinfo=UTC)  # where the clock jumps
    assert exists(gap, time(3), BERLIN)


@given(DATES, WALLS, st.sampled_from(ZONES))
def test_the_clocks_show_a_wall_time_at_its_instant_where_it_exists(day: date, wall: time, zone: str) -> None:
    local = wall_instant(day, wall, zone).astimezone(ZoneInfo(zone))
    if exists(day, wall, zone):
        assert (local.date(), local.time(), local.fold) == (day, wall, 0)
    else:
        assert local.replace(tzinfo=None) > datetime.combine(day, wall)
        before = (local.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        assert before.utcoffset() != local.utcoffset()


@given(DATES, WALLS, WALLS, st.sampled_from(ZONES))
def test_later_on_the_clock_is_never_earlier(day: date, one: time, other: time, zone: str) -> None:
    first, second = sorted((one, other))
    assert wall_instant(day, first, zone) <= wall_instant(day, second, zone) <= wall_instant(day + DAY, first, zone)


@given(DATES, st.sampled_from(ZONES))
def test_a_date_ends_where_the_next_begins(day: date, zone: str) -> None:
    span = day_span(day, zone)
    assert span.end == day_span(day + DAY, zone).start
    assert local_date(span.start, zone) == day
    assert local_date(span.end - timedelta(seconds=1), zone) == day


@given(DATES, WALLS, WALLS, WALLS, st.sampled_from(ZONES))
def test_a_daily_stretch_is_laid_out_in_order_and_none_that_reaches_the_instant_is_missed(
    day: date, at: time, first: time, last: time, zone: str
) -> None:
    since = wall_instant(day, at, zone)
    spans = list(islice(daily_spans(since, first, last, zone), 4))
    assert all(one.start < other.start for one, other in pairwise(spans))
    assert spans[0].end <= since or spans[0].start <= since
