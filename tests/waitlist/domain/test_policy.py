"""Policies: until when offers stand (architecture.md section 6)."""

from datetime import UTC, datetime, time, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitlist.domain.errors import ValidationFailedError
from waitlist.domain.policy import DEFAULTS, AfterExpiry, PlaceKind, Policy, QuietHours, Way
from waitlist.domain.times import daily_spans

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
MINUTE = timedelta(minutes=1)
NIGHT = QuietHours(time(22), time(8))
WALLS = st.times().map(lambda at: at.replace(second=0, microsecond=0))
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds of aware ones
    lambda at: at.replace(second=0, microsecond=0)
)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_the_defaults() -> None:
    """architecture.md section 6: "`offer_one` (default; …)", "skip-if-it-does-not-fit (default)", "Deadline: 15 min for
    tables, 4 h for instances", "WAITING (default after expiry or decline)"
    """
    tables, instances = DEFAULTS[PlaceKind.LOCATION], DEFAULTS[PlaceKind.SERVICE]
    assert (tables.way, tables.strict_order, tables.after_expiry) == (Way.OFFER_ONE, False, AfterExpiry.STAY)
    assert (tables.offer_minutes, instances.offer_minutes) == (15, 240)
    assert (tables.quiet_hours, tables.cutoff_minutes, tables.max_entries) == (None, 0, None)


@pytest.mark.parametrize(
    ("now", "minutes", "cutoff", "quiet", "start", "expected"),
    [
        (at(1, 18), 15, 0, None, at(1, 20), at(1, 18, 15)),
        (at(1, 19, 50), 15, 0, None, at(1, 20), at(1, 20)),
        (at(1, 18), 15, 115, None, at(1, 20), at(1, 18, 5)),
        (at(1, 19), 15, 120, None, at(1, 20), at(1, 18)),
        (at(1, 21, 50), 15, 0, NIGHT, at(3, 20), at(2, 8, 5)),
        (at(1, 23), 15, 0, NIGHT, at(3, 20), at(2, 8, 15)),
        (at(1, 3), 15, 0, NIGHT, at(3, 20), at(1, 8, 15)),
        (at(1, 22), 240, 0, NIGHT, at(2, 9), at(2, 9)),
        (at(1, 23), 240, 0, NIGHT, at(2, 7), at(2, 7)),
        (at(1, 20), 20 * 60, 0, NIGHT, at(9, 20), at(3, 12)),
        (at(1, 21), 60, 0, NIGHT, at(9, 20), at(1, 22)),
        (at(1, 11), 90, 0, QuietHours(time(12), time(13)), at(1, 20), at(1, 13, 30)),
    ],
)
def test_an_offers_deadline(
    now: datetime, minutes: int, cutoff: int, quiet: QuietHours | None, start: datetime, expected: datetime
) -> None:
    """architecture.md section 6: "never past the cut-off; time in quiet hours does not count"."""
    policy = Policy(offer_minutes=minutes, cutoff_minutes=cutoff, quiet_hours=quiet)
    assert policy.deadline(now, start, "UTC") == expected


def test_quiet_hours_are_those_of_the_places_clocks() -> None:
    policy = Policy(offer_minutes=15, quiet_hours=NIGHT)
    now = at(1, 21, 30)  # 22:30 in Berlin
    assert policy.deadline(now, at(9, 20), "Europe/Berlin") == at(2, 7, 15)
    summer = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)  # in the night of which the clocks are put forward
    assert policy.deadline(summer, at(9, 20), "Europe/Berlin") == datetime(2026, 3, 29, 6, 15, tzinfo=UTC)


def test_a_day_that_is_all_quiet_is_none() -> None:
    with pytest.raises(ValidationFailedError, match=r"quietHours\.to: must not be the same as from"):
        QuietHours(time(8), time(8))


@given(
    now=INSTANTS,
    minutes=st.integers(1, 48 * 60),
    ahead=st.integers(-60, 9 * 24 * 60),
    cutoff=st.integers(0, 24 * 60),
    walls=st.none() | st.tuples(WALLS, WALLS).filter(lambda pair: pair[0] != pair[1]),
    zone=st.sampled_from(ZONES),
)
def test_counted_minute_by_minute_an_offer_has_its_time_or_ends_at_the_cut_off(
    now: datetime, minutes: int, ahead: int, cutoff: int, walls: tuple[time, time] | None, zone: str
) -> None:
    quiet = None if walls is None else QuietHours(*walls)
    policy = Policy(offer_minutes=minutes, cutoff_minutes=cutoff, quiet_hours=quiet)
    start = now + ahead * MINUTE
    deadline = policy.deadline(now, start, zone)
    cut_off = start - cutoff * MINUTE
    assert deadline <= cut_off
    if cut_off <= now:
        assert deadline == cut_off
        return
    spans = (
        []
        if quiet is None
        else list(takewhile(lambda span: span.start < deadline, daily_spans(now, quiet.start, quiet.end, zone)))
    )
    passed = (deadline - now) // MINUTE
    counted = sum(not any(s.start <= now + n * MINUTE < s.end for s in spans) for n in range(passed))
    assert counted == minutes if deadline < cut_off else counted <= minutes
