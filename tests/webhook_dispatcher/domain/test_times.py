"""Instants as callers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.times import parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-15T10:00:00Z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
        ("2026-02-15t10:00:00z", datetime(2026, 2, 15, 10, tzinfo=UTC)),
        ("2026-02-15T10:00+01:00", datetime(2026, 2, 15, 9, tzinfo=UTC)),
        ("2026-02-15T10:00:00.25-05:30", datetime(2026, 2, 15, 15, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_into_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1700000000", "must be an ISO 8601 instant"),
        ("2026-02-15", "must be an ISO 8601 instant"),
        ("2026-02-15 10:00:00Z", "must be an ISO 8601 instant"),
        ("2026-02-15T10:00:00", "must carry an offset"),
        ("2026-02-30T10:00:00Z", "must be a date and time that exist"),
        ("0001-01-01T00:00:00+01:00", "must be a date and time that exist"),
    ],
)
def test_what_names_no_one_instant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_instant(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_can_be_given(instant: datetime) -> None:
    assert parse_instant(instant.isoformat()) == instant
