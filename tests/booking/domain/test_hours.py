"""Opening hours in local time, over every change of the clock of several zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.hours import ALWAYS, WEEKDAYS, Hours, OpenHours, is_open, wall_instant
from booking.domain.times import Span
from support.clock_changes import clock_changes

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "UTC")
MINUTES = st.integers(0, 24 * 60 - 1)


def every_day(*stretches: tuple[str, str]) -> Hours:
    return Hours({day: [OpenHours(start=start, end=end) for start, end in stretches] for day in WEEKDAYS})


def span(zone: str, start: str, end: str) -> Span:
    """A span from local wall times with their offset left to the zone."""
    where = ZoneInfo(zone)
    return Span(
        datetime.fromisoformat(start).replace(tzinfo=where).astimezone(UTC),
        datetime.fromisoformat(end).replace(tzinfo=where).astimezone(UTC),
    )


@pytest.mark.parametrize(
    ("start", "end", "open_"),
    [
        ("2026-06-01T09:00", "2026-06-01T10:00", True),
        ("2026-06-01T08:59", "2026-06-01T10:00", False),
        ("2026-06-01T16:00", "2026-06-01T17:00", True),
        ("2026-06-01T16:00", "2026-06-01T17:01", False),
        ("2026-06-01T11:00", "2026-06-01T13:00", False),  # over the lunch break
        ("2026-06-01T13:00", "2026-06-01T14:00", True),
        ("2026-06-02T13:00", "2026-06-02T14:00", False),  # a Tuesday
    ],
)
def test_a_span_must_lie_inside_one_stretch(start: str, end: str, open_: bool) -> None:
    hours = Hours({"monday": [OpenHours(start="13:00", end="17:00"), OpenHours(start="09:00", end="12:00")]})
    assert is_open(hours, "Europe/Berlin", span("Europe/Berlin", start, end)) is open_


def test_overnight_hours_reach_into_the_next_day() -> None:
    hours = Hours({"saturday": [OpenHours(start="20:00", end="03:00")]})
    assert is_open(hours, "Europe/Berlin", span("Europe/Berlin", "2026-06-06T23:00", "2026-06-07T03:00"))
    assert is_open(hours, "Europe/Berlin", span("Europe/Berlin", "2026-06-07T01:00", "2026-06-07T02:00"))
    assert not is_open(hours, "Europe/Berlin", span("Europe/Berlin", "2026-06-07T02:00", "2026-06-07T03:01"))
    assert not is_open(hours, "Europe/Berlin", span("Europe/Berlin", "2026-06-06T01:00", "2026-06-06T02:00"))


def test_stretches_that_touch_count_as_one_and_equal_ends_are_a_whole_day() -> None:
    assert is_open(
        every_day(("00:00", "00:00")), "Europe/Berlin", span("Europe/Berlin", "2026-03-01T00:00", "2026-03-31T00:00")
    )
    assert is_open(
        every_day(("09:00", "12:00"), ("12:00", "15:00")), "UTC", span("UTC", "2026-06-01T11:00", "2026-06-01T13:00")
    )


def test_a_day_without_hours_is_closed() -> None:
    assert not is_open(Hours({"monday": []}), "UTC", span("UTC", "2026-06-01T11:00", "2026-06-01T13:00"))


def test_a_date_of_its_own_replaces_the_weekly_hours_of_that_date_alone() -> None:
    weekly = every_day(("20:00", "03:00")).weekly
    hours = Hours(weekly, {"2026-06-06": [], "2026-06-08": [OpenHours(start="09:00", end="10:00")]})
    night = [("2026-06-05T23:00", "2026-06-06T03:00"), ("2026-06-07T20:00", "2026-06-08T03:00")]
    assert all(is_open(hours, "UTC", span("UTC", *one)) for one in night)
    assert not is_open(hours, "UTC", span("UTC", "2026-06-06T20:00", "2026-06-06T21:00"))
    assert not is_open(hours, "UTC", span("UTC", "2026-06-08T20:00", "2026-06-08T21:00"))
    assert is_open(hours, "UTC", span("UTC", "2026-06-08T09:00", "2026-06-08T10:00"))


def test_without_weekly_hours_a_date_of_its_own_closes_a_place_that_is_always_open() -> None:
    closed = Hours(overrides={"2026-12-25": []})
    assert is_open(closed, "UTC", span("UTC", "2026-12-24T22:00", "2026-12-25T00:00"))
    assert not is_open(closed, "UTC", span("UTC", "2026-12-24T22:00", "2026-12-25T00:01"))
    assert is_open(ALWAYS, "UTC", span("UTC", "2026-12-24T22:00", "2026-12-25T00:01"))


def test_hours_follow_the_wall_clock_through_a_change_of_it() -> None:
    hours = every_day(("09:00", "17:00"))
    winter = Span(datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 3, 28, 16, tzinfo=UTC))
    summer = Span(datetime(2026, 3, 29, 7, tzinfo=UTC), datetime(2026, 3, 29, 15, tzinfo=UTC))
    assert is_open(hours, "Europe/Berlin", winter)
    assert is_open(hours, "Europe/Berlin", summer)
    assert not is_open(hours, "Europe/Berlin", Span(winter.start + timedelta(days=1), winter.end + timedelta(days=1)))


def test_a_wall_time_in_the_gap_is_the_jump_and_one_in_the_fold_its_first_pass() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    jump = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert wall_instant(date(2026, 3, 29), time(2, 30), berlin) == jump
    assert wall_instant(date(2026, 3, 29), time(2, 0), berlin) == jump
    assert wall_instant(date(2026, 3, 29), time(3, 0), berlin) == jump
    assert wall_instant(date(2026, 10, 25), time(2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_stretch_inside_the_gap_never_opens() -> None:
    hours = every_day(("02:10", "02:50"))
    day = Span(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 0, 31, tzinfo=UTC))
    for minutes in range(0, 180, 5):
        shifted = Span(day.start + timedelta(minutes=minutes), day.end + timedelta(minutes=minutes))
        assert not is_open(hours, "Europe/Berlin", shifted)


def test_the_zones_do_change_their_clocks() -> None:
    assert [len(clock_changes(zone, 2026)) for zone in ZONES] == [2, 2, 2, 2, 0, 0]


@pytest.mark.parametrize(
    ("zone", "day"), [(zone, day) for zone in ZONES for day in clock_changes(zone, 2026) or [date(2026, 6, 1)]]
)
@given(opens=MINUTES, closes=MINUTES, step=st.integers(0, 48 * 6))
def test_on_every_day_of_change_open_means_that_the_wall_clock_says_so(
    zone: str, day: date, opens: int, closes: int, step: int
) -> None:
    """A minute is open exactly when its wall time, on its first pass, lies in the hours."""
    where = ZoneInfo(zone)
    start = datetime.combine(day, time(), where).astimezone(UTC) - timedelta(hours=12) + timedelta(minutes=step * 10)
    minute = Span(start, start + timedelta(minutes=1))
    local = start.astimezone(where)
    if (
        local.fold
        or (start - timedelta(hours=3)).astimezone(where).utcoffset()
        != (start + timedelta(hours=3)).astimezone(where).utcoffset()
    ):
        return  # beside the change itself, where the tests above say what holds
    wall = local.hour * 60 + local.minute
    inside = opens <= wall < closes if opens < closes else wall >= opens or wall < closes
    hours = every_day((f"{opens // 60:02}:{opens % 60:02}", f"{closes // 60:02}:{closes % 60:02}"))
    assert is_open(hours, zone, minute) is inside
