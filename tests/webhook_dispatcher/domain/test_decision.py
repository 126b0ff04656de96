"""What follows from an answer, row by row of the webhook rules; each test quotes its row."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.decision import (
    Delivered,
    EndpointGone,
    Exhausted,
    Retry,
    Verdict,
    decide,
    parse_retry_after,
)
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind
from webhook_dispatcher.domain.retry import DEFAULT, RetryPolicy

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = RetryPolicy((10.0,))
NEUTRAL = 0.5


def after(exchange: Exchange, attempt: int = 1, policy: RetryPolicy = POLICY, noise: float = NEUTRAL) -> Verdict:
    return decide(exchange, attempt, policy, noise, NOW)


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@given(st.integers(200, 299))
def test_any_2xx_is_delivered(status: int) -> None:
    """Webhook rules: «any 2xx within 30 s (the whole exchange) | delivered»"""
    assert after(answer(status)) == Delivered()


def test_410_is_the_receivers_own_request_to_stop() -> None:
    """Webhook rules: «410 | the subscription is disabled at once, `webhook_subscription.disabled`»"""
    assert after(answer(410, retry_after="5"), attempt=99) == EndpointGone()


@pytest.mark.parametrize("status", [429, 502, 504])
def test_429_502_504_are_retried(status: int) -> None:
    """Webhook rules: «429, 502, 504 | retried, and the endpoint is slowed»"""
    assert after(answer(status)) == Retry(NOW + timedelta(seconds=10))


@given(st.integers(100, 599).filter(lambda status: status // 100 != 2 and status != 410))
def test_every_other_status_is_failed_and_retried_on_the_schedule(status: int) -> None:
    """Webhook rules: «3xx, every other status, timeout, TLS or connection error, blocked address | failed; retried on
    the schedule»
    """
    assert after(answer(status)) == Retry(NOW + timedelta(seconds=10))
    assert after(answer(status), attempt=2) == Exhausted()


@pytest.mark.parametrize("kind", FailureKind)
def test_what_is_no_answer_is_failed_and_retried_on_the_schedule(kind: FailureKind) -> None:
    """Webhook rules: «3xx, every other status, timeout, TLS or connection error, blocked address | failed; retried on
    the schedule»
    """
    assert after(Failure(kind, "told")) == Retry(NOW + timedelta(seconds=10))
    assert after(Failure(kind, "told"), attempt=2) == Exhausted()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7200 ", 7200),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 30, 86_400),
        ("9" * 5000, 86_400),
        (format_datetime(NOW + timedelta(hours=3), usegmt=True), 10_800),
        (format_datetime(NOW + timedelta(days=3), usegmt=True), 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
    ],
)
def test_retry_after_is_obeyed_in_full_up_to_24_hours(value: str, seconds: int) -> None:
    """Webhook rules: «`Retry-After` (seconds or date) | obeyed in full, up to 24 h»"""
    for status in (301, 429, 500, 503):
        assert after(answer(status, retry_after=value)) == Retry(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1.5", "٣", "0", "1", format_datetime(NOW - timedelta(days=1), usegmt=True), "32 Foo 2026"],
)
def test_retry_after_never_comes_before_the_schedule(value: str) -> None:
    assert after(answer(503, retry_after=value)) == Retry(NOW + timedelta(seconds=10))


def test_retry_after_gives_no_further_attempt() -> None:
    assert after(answer(503, retry_after="1"), attempt=2) == Exhausted()


@given(st.text(max_size=60))
def test_whatever_retry_after_says_it_is_read(value: str) -> None:
    asked = parse_retry_after(value, NOW)
    assert asked is None or asked <= NOW + timedelta(hours=24)


def test_the_default_schedule_is_as_documented() -> None:
    """Webhook rules: «Schedule, with +-20 % jitter: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (about 76 h in
    all)»

    Standard Webhooks: «It's recommended to retry delivery following a retry schedule spanning multiple days, with an
    exponential backoff.»
    Standard Webhooks: «Example retry schedule»
    """
    hours = 3600
    assert DEFAULT.pauses == (5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours)
    assert round(sum(DEFAULT.pauses) / hours) == 76
    since_start = [timedelta(seconds=sum(DEFAULT.pauses[:number])) for number in range(10)]
    assert [str(since_start[number]) for number in (0, 1, 2, 3, 4, 5)] == [
        "0:00:00",
        "0:00:05",
        "0:05:05",
        "0:35:05",
        "2:35:05",
        "7:35:05",
    ]
    assert since_start[-1] == timedelta(hours=75, minutes=35, seconds=5)
    assert isinstance(after(answer(500), attempt=9, policy=DEFAULT), Retry)
    assert after(answer(500), attempt=10, policy=DEFAULT) == Exhausted()


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_fifth_at_most(attempt: int, noise: float) -> None:
    """Webhook rules: «Schedule, with +-20 % jitter: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (about 76 h in
    all)»
    """
    pause = DEFAULT.pause(attempt, noise)
    assert pause is not None
    assert 0.8 <= pause / DEFAULT.pauses[attempt - 1] <= 1.2
