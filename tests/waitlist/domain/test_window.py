"""Which instants preferred times stand for (seed 000, api.md section 3)."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitlist.domain.errors import Flaws, ValidationFailedError
from waitlist.domain.times import DAY, day_span, local_date
from waitlist.domain.window import Preferred, Window, window

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "UTC"]
BERLIN = "Europe/Berlin"
DAY_ONE = date(2026, 7, 4)
WALLS = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    """An instant in July 2026."""
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC)


def read(start: Preferred, end: Preferred, *, day: date = DAY_ONE, zone: str = BERLIN) -> Window:
    """The window of a date, which must not be refused."""
    flaws = Flaws()
    found = window(day, start, end, zone=zone, flaws=flaws)
    flaws.tell()
    return found


def refused(start: Preferred, end: Preferred, *, day: date = DAY_ONE) -> list[tuple[str, str]]:
    """The fields and rules of a window that must be refused."""
    with pytest.raises(ValidationFailedError) as raised:
        read(start, end, day=day)
    return [(flaw.param, flaw.rule) for flaw in raised.value.flaws]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (time(19), time(21, 30), Window(at(17), at(19, 30))),
        (time(19), time(1), Window(at(17), at(23))),
        (time(19), time(19), Window(at(17), at(17, day=5))),
        (time(19), None, Window(at(17), None)),
        (None, time(21), Window(None, at(19))),
        (None, time(0), Window(None, at(22))),
        (None, None, Window(None, None)),
        (at(17), at(19), Window(at(17), at(19))),
        (at(17), time(21), Window(at(17), at(19))),
        (at(17), time(19), Window(at(17), at(17, day=5))),
        (time(19), at(23), Window(at(17), at(23))),
        (at(22, day=3), at(22), Window(at(22, day=3), at(22))),
        (None, at(21, day=5), Window(None, at(21, day=5))),
    ],
)
def test_an_end_that_is_not_after_the_start_is_on_the_next_day(
    start: Preferred, end: Preferred, expected: Window
) -> None:
    """api.md section 3: "an end not after the start is next day"."""
    assert read(start, end) == expected


def test_what_cannot_be_is_refused() -> None:
    assert refused(at(21, day=3), None) == [("preferredStartTime", "date")]
    assert refused(at(17), at(17)) == [("preferredEndTime", "after_start")]
    assert refused(at(17), at(17, 1, day=5)) == [("preferredEndTime", "max_duration")]
    assert refused(None, at(22, day=3)) == [("preferredEndTime", "after_start")]
    assert refused(None, at(22, 1, day=5)) == [("preferredEndTime", "max_duration")]


def test_on_the_days_on_which_the_clocks_change() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert refused(time(2, 30), time(5), day=spring) == [("preferredStartTime", "gap")]
    assert refused(time(1), time(2, 30), day=spring) == [("preferredEndTime", "gap")]
    assert refused(time(22), time(2, 30), day=spring.replace(day=28)) == [("preferredEndTime", "gap")]
    short = read(time(1), time(3), day=spring)
    assert short == Window(datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC))
    long = read(time(2, 30), time(3), day=autumn)
    assert long == Window(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC))
    second_pass = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    late = read(second_pass, time(2, 45), day=autumn)
    assert late.end == datetime(2026, 10, 26, 1, 45, tzinfo=UTC)  # the first 02:45 was before


@given(
    st.dates(date(2026, 1, 1), date(2030, 12, 31)),
    st.none() | WALLS | st.timedeltas(-DAY, 2 * DAY),
    st.none() | WALLS | st.timedeltas(-DAY, 4 * DAY),
    st.sampled_from(ZONES),
)
def test_a_window_that_is_not_refused_begins_on_its_date_and_ends_after_it_begins(
    day: date, start: object, end: object, zone: str
) -> None:
    midnight = day_span(day, zone).start

    def preferred(drawn: object) -> Preferred:
        return drawn if drawn is None or isinstance(drawn, time) else midnight + drawn  # type: ignore[operator]  # a timedelta

    flaws = Flaws()
    found = window(day, preferred(start), preferred(end), zone=zone, flaws=flaws)
    try:
        flaws.tell()
    except ValidationFailedError:
        return
    if found.start is not None:
        assert local_date(found.start, zone) == day
    if found.end is not None:
        assert (found.start or midnight) < found.end <= midnight + 3 * DAY
