"""What attempts say about their endpoint."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.attempts import an_attempt
from webhook_dispatcher.domain.health import Result, Standing, Tally, minute_of, results, summed

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
LATENCIES = st.lists(st.integers(0, 300_000), min_size=1, max_size=50)


def result(minutes: float, *, succeeded: bool = False, latency_ms: int = 0) -> Result:
    """An attempt that began so many minutes from now."""
    started = NOW + timedelta(minutes=minutes)
    return Result(started, started + timedelta(milliseconds=latency_ms), latency_ms, succeeded)


@given(LATENCIES, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_within_a_tenth(latencies: list[int], share: float) -> None:
    tally = Tally().adding([result(0, latency_ms=one) for one in latencies])
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    found = tally.percentile(share)
    assert found is not None
    assert abs(found - exact) <= 0.1 * exact + 1  # and rounded to a millisecond


def test_without_attempts_there_is_no_rate_and_no_percentile() -> None:
    assert (Tally().attempts, Tally().success_rate, Tally().percentile(0.5)) == (0, None, None)


@given(LATENCIES, LATENCIES)
def test_tallies_add_up(some: list[int], others: list[int]) -> None:
    first, second = ([result(0, succeeded=one % 2 == 0, latency_ms=one) for one in each] for each in (some, others))
    assert Tally().adding(first).plus(Tally().adding(second)) == Tally().adding([*first, *second])


def test_the_latest_minutes_are_summed_the_running_one_among_them() -> None:
    now = minute_of(NOW)
    minutes = {now + n: Tally().adding([result(0)]) for n in range(-70, 3)}
    assert [summed(minutes, now, back).attempts for back in (5, 60)] == [5, 60]


@pytest.mark.parametrize(("status", "succeeded"), [(200, True), (299, True), (199, False), (302, False), (410, False)])
def test_only_a_2xx_is_a_success(status: int, succeeded: bool) -> None:
    (found,) = results([an_attempt(NOW, status)])
    assert found.succeeded is succeeded


def test_attempts_count_in_the_order_in_which_they_ended() -> None:
    slow, quick = an_attempt(NOW, None, 30_000), an_attempt(NOW + timedelta(seconds=1), 204, 10)
    assert [one.succeeded for one in results([slow, quick])] == [True, False]


def test_what_was_not_sent_because_of_the_operators_key_says_nothing_about_the_endpoint() -> None:
    sealed = an_attempt(NOW, None).model_copy(update={"error": "unreadable_secret"})
    assert results([sealed]) == []


def test_failing_begins_with_the_first_failure_after_the_last_success() -> None:
    standing = Standing(NOW)
    for one, since, failures in (
        (result(1), NOW + timedelta(minutes=1), 1),
        (result(2), NOW + timedelta(minutes=1), 2),
        (result(3, succeeded=True), None, 0),
        (result(4), NOW + timedelta(minutes=4), 1),
        (result(3.5), NOW + timedelta(minutes=3.5), 2),  # read late: another instance attempted it
        (result(2.5, succeeded=True), NOW + timedelta(minutes=3.5), 2),  # a success from before proves nothing
        (result(2), NOW + timedelta(minutes=3.5), 2),  # and a failure from before the last success neither
    ):
        standing = standing.adding([one])
        assert (standing.failing_since, standing.failures) == (since, failures)
    assert standing.last_success_at == NOW + timedelta(minutes=3)
    assert standing.last_attempt_at == NOW + timedelta(minutes=4)


def test_a_period_of_failing_has_a_failure_at_both_ends() -> None:
    day = timedelta(days=1)
    standing = Standing(NOW)
    assert not standing.has_failed_for(timedelta(0))
    standing = standing.adding([result(0), result(24 * 60 - 1)])
    assert not standing.has_failed_for(day)
    standing = standing.adding([result(24 * 60)])
    assert standing.has_failed_for(day)
    assert not standing.adding([result(24 * 60, succeeded=True)]).has_failed_for(day)
