"""Instants as callers write them, and the bounds of what can be stored."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.errors import ValidationFailedError
from booking.domain.times import (
    EARLIEST,
    LATEST,
    NotATimeError,
    Span,
    check_span,
    epoch_seconds,
    instant_text,
    local_date,
    parse_instant,
    parse_instant_or_date,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-15T10:00:00Z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
        ("2026-02-15t10:00:00z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
        ("2026-02-15T10:00Z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
        ("2026-02-15T10:00:00+02:00", datetime(2026, 2, 15, 8, tzinfo=UTC)),
        ("2026-02-15T10:00:00-03:30", datetime(2026, 2, 15, 13, 30, tzinfo=UTC)),
        ("2026-02-15T10:00:00.000Z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_into_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("tomorrow", "instant"),
        ("2026-02-30T10:00:00Z", "instant"),
        ("2026-02-15T10:00:00", "offset"),
        ("2026-02-15T10:00:00.5Z", "whole_second"),
        ("2026-02-30", "date"),
    ],
)
def test_what_is_no_time_names_its_rule(text: str, rule: str) -> None:
    with pytest.raises(NotATimeError) as refused:
        parse_instant_or_date(text)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-02-15T10:00:00", "offset"),
        ("2026-02-15T10:00:00.5Z", "whole second"),
        ("2026-02-15T10:00:00.0000001Z", "whole second"),
        ("2026-02-30T10:00:00Z", "exist"),
        ("2026-02-15T25:00:00Z", "exist"),
        ("2026-02-15T10:00:60Z", "exist"),
        ("2026-02-15T10:00:00+25:00", "exist"),
        ("0001-01-01T00:00:00+02:00", "exist"),
        ("0000-01-01T00:00:00Z", "exist"),
        ("2026-02-15", "ISO 8601"),
        ("2026-02-15 10:00:00Z", "ISO 8601"),
        ("20260215T100000Z", "ISO 8601"),
        ("2026-W07-7T10:00:00Z", "ISO 8601"),
        ("1771149600", "ISO 8601"),
        ("٢٠٢٦-02-15T10:00:00Z", "ISO 8601"),
        ("2026-02-15T10:00:00Z\n", "ISO 8601"),
        ("", "ISO 8601"),
    ],
)
def test_what_is_no_instant_is_told_why(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_instant(text)


@given(st.text())
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        read = parse_instant(text)
    except ValueError:
        return
    assert read.tzinfo is UTC


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_every_whole_second_survives_writing_and_reading(instant: datetime) -> None:
    whole = instant.replace(microsecond=0)
    try:
        whole.astimezone(UTC)
    except OverflowError:
        return
    assert parse_instant(whole.isoformat()) == whole


def test_a_bare_date_is_a_date() -> None:
    assert parse_instant_or_date("2026-02-15") == date(2026, 2, 15)
    assert parse_instant_or_date("2026-02-15T00:00:00Z") == datetime(2026, 2, 15, tzinfo=UTC)
    with pytest.raises(ValueError, match="exists"):
        parse_instant_or_date("2026-02-30")


def test_a_local_date_is_the_zones() -> None:
    assert local_date(datetime(2026, 2, 15, 3, tzinfo=UTC), "America/New_York") == date(2026, 2, 14)


@pytest.mark.parametrize(
    ("start", "end", "param", "rule"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "end_time", "after_start"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "end_time", "after_start"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC), "end_time", "max_duration"),
        (EARLIEST + 9 * MINUTE, EARLIEST + 20 * MINUTE, "start_time", "bounds"),
        (LATEST - 20 * MINUTE, LATEST - 4 * MINUTE, "end_time", "bounds"),
        (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC) + MINUTE, "start_time", "bounds"),
        (datetime.max.replace(tzinfo=UTC) - MINUTE, datetime.max.replace(tzinfo=UTC), "end_time", "bounds"),
    ],
)
def test_a_span_out_of_bounds_is_refused(start: datetime, end: datetime, param: str, rule: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_span(Span(start, end), before_minutes=10, after_minutes=5)
    assert refused.value.param == param
    assert refused.value.details is not None
    assert refused.value.details["errors"][0]["rule"] == rule


def test_the_bounds_themselves_are_inside() -> None:
    first = Span(EARLIEST + 10 * MINUTE, EARLIEST + 20 * MINUTE)
    last = Span(LATEST - 20 * MINUTE, LATEST - 5 * MINUTE)
    assert check_span(first, before_minutes=10).start == EARLIEST
    assert check_span(last, after_minutes=5).end == LATEST
    month = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert check_span(month) == month


def test_a_span_that_leaves_both_bounds_is_told_so_twice() -> None:
    with pytest.raises(ValidationFailedError) as refused:
        check_span(Span(EARLIEST - MINUTE, LATEST + MINUTE))
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [
        ("end_time", "max_duration"),
        ("start_time", "bounds"),
        ("end_time", "bounds"),
    ]


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_the_seconds_of_an_instant_are_those_of_its_text(instant: datetime) -> None:
    assert datetime.fromtimestamp(epoch_seconds(instant), UTC) == parse_instant(instant_text(instant))
