"""Pace, breaker and rate limit of one endpoint: pure rules, told the time."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_dispatcher.domain.breaker import Breaker
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind
from webhook_dispatcher.domain.gate import Gate
from webhook_dispatcher.domain.pace import Pace
from webhook_dispatcher.domain.rate_limit import Bucket, RateLimit
from webhook_dispatcher.domain.signs import Manner, Sign, sign_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TAKEN, FAILED, REFUSED = Sign(Manner.TAKEN), Sign(Manner.FAILED), Sign(Manner.REFUSED)
OVERLOADED = Sign(Manner.OVERLOADED)


def attempt(pace: Pace, sign: Sign, at: float, seconds: float = 0.01) -> float:
    pace.start(at)
    pace.end(sign, at, at + seconds)
    return at + seconds


@pytest.mark.parametrize(
    ("status", "manner"),
    [
        *((status, Manner.TAKEN) for status in (200, 204, 299)),
        *((status, Manner.REFUSED) for status in (301, 400, 401, 404, 410, 422)),
        *((status, Manner.OVERLOADED) for status in (429, 502, 504)),
        *((status, Manner.FAILED) for status in (408, 500, 501, 503, 599)),
    ],
)
def test_what_a_status_tells(status: int, manner: Manner) -> None:
    assert sign_of(Answer(status, {}, b""), NOW).manner is manner


@pytest.mark.parametrize("kind", FailureKind)
def test_no_answer_is_a_failure(kind: FailureKind) -> None:
    assert sign_of(Failure(kind, ""), NOW) == FAILED


@pytest.mark.parametrize(
    ("retry_after", "rest"), [("7", 7), ("86400", 60), ("Sun, 01 Nov 2026 00:00:09 GMT", 9), ("0", 0), ("soon", 0)]
)
def test_an_overloaded_endpoint_is_left_alone_as_long_as_it_asks_up_to_a_minute(retry_after: str, rest: float) -> None:
    sign = sign_of(Answer(429, {"retry-after": retry_after}, b""), NOW)
    assert sign == Sign(Manner.OVERLOADED, rest)
    pace = Pace(8)
    attempt(pace, sign, 100.0)
    assert (pace.rest_until == 100.01 + rest) if rest else pace.rest_until < 100


def test_it_starts_with_half_and_grows_to_all_within_as_many_quick_answers() -> None:
    pace = Pace(32)
    assert pace.slots(24, 0.0) == 12
    for number in range(16):
        attempt(pace, TAKEN, float(number))
    assert (pace.slots(24, 20.0), pace.slots(8, 20.0)) == (24, 8)
    assert pace.is_trusted(20.0)


def test_what_fails_together_costs_one_step() -> None:
    pace = Pace(32)
    for _ in range(12):
        pace.start(1.0)
    for _ in range(12):
        pace.end(FAILED, 1.0, 1.1)
    assert pace.slots(24, 2.0) == 6
    assert not pace.is_trusted(2.0)
    attempt(pace, FAILED, 3.0)
    assert pace.slots(24, 4.0) == 3


@pytest.mark.parametrize("overloaded", [Sign(Manner.OVERLOADED), Sign(Manner.OVERLOADED, 3.0)])
def test_429_502_and_504_slow_the_endpoint_at_once(overloaded: Sign) -> None:
    """Webhook rules: «429, 502, 504 | retried, and the endpoint is slowed»: fewer at a time, then pauses that grow"""
    pace = Pace(32)
    now = attempt(pace, overloaded, 0.0)
    assert pace.slots(24, now) == 6
    pauses = []
    for _ in range(12):
        now = attempt(pace, overloaded, max(now, pace.rest_until))
        pauses.append(pace.rest_until - now)
    assert pauses == [pytest.approx(max(overloaded.rest, min(10.0, 0.1 * 2**number))) for number in range(12)]
    attempt(pace, TAKEN, pace.rest_until)
    now = attempt(pace, OVERLOADED, pace.rest_until + 1)
    assert pace.rest_until < now


def test_a_slow_endpoint_that_takes_everything_keeps_a_quarter() -> None:
    pace = Pace(32)
    now = 0.0
    for _ in range(50):
        now = attempt(pace, TAKEN, now, seconds=5.0)
    assert pace.slots(24, now) == 6
    assert not pace.is_trusted(now)
    attempt(pace, FAILED, now)
    assert pace.slots(24, now + 1) == 3
    now = attempt(pace, TAKEN, now + 1, seconds=5.0)
    assert pace.slots(24, now) == 3


def test_while_nothing_comes_back_ever_fewer_may_start() -> None:
    pace = Pace(32)
    for _ in range(16):
        attempt(pace, TAKEN, 0.0)
    pace.start(10.0)
    pace.start(11.0)
    told = [pace.slots(24, 10.0 + seconds) for seconds in (0, 1.9, 2, 4, 6, 8, 10, 1e6)]
    assert told == [24, 24, 12, 6, 3, 1, 1, 1]
    assert [pace.is_trusted(at) for at in (11.9, 12.0)] == [True, False]
    pace.end(None, 10.0, 13.0)
    assert pace.slots(24, 13.0) == 12
    pace.end(TAKEN, 11.0, 13.5)
    assert pace.slots(24, 1e6) == 19


ENDS = st.lists(st.tuples(st.sampled_from([*Manner, None]), st.floats(0, 40), st.floats(0, 5)), max_size=60)


@given(ENDS, st.integers(1, 64), st.integers(1, 64))
def test_there_is_always_one_slot_and_never_more_than_all(
    ends: list[tuple[Manner | None, float, float]], most: int, of: int
) -> None:
    pace, now = Pace(most), 0.0
    for manner, took, pause in ends:
        now = max(now + pause, pace.rest_until)
        pace.start(now)
        assert 1 <= pace.slots(of, now + took) <= of
        pace.end(None if manner is None else Sign(manner), now, now + took)
        now += took
        assert 1 <= pace.slots(of, now) <= of
        assert pace.rest_until <= now + 10.0


def fail(breaker: Breaker, at: float, seconds: float = 0.0) -> float:
    probe = breaker.start()
    breaker.failed(began=at, now=at + seconds, noise=0.5, probe=probe)
    return at + seconds


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for number in range(5):
        fail(breaker, at + number)
    assert breaker.is_open
    return breaker


def test_a_breaker_opens_after_five_failures_in_a_row_over_two_seconds() -> None:
    breaker = Breaker()
    for number in range(100):
        fail(breaker, number * 0.01)
    assert not breaker.is_open  # one bad moment
    fail(breaker, 2.0)
    assert breaker.is_open
    breaker = Breaker()
    for second in range(100):
        fail(breaker, float(second))
        if second % 4 == 3:
            breaker.answered()
        assert not breaker.is_open
    breaker = Breaker()
    for _ in range(5):
        assert not breaker.is_open
        fail(breaker, 0.0, seconds=30.0)
    assert breaker.is_open


def test_probes_go_out_one_at_a_time_at_pauses_that_grow_up_to_a_minute() -> None:
    breaker = opened()
    now, pauses = 4.0, []
    for _ in range(9):
        pauses.append(breaker.ready_at - now)
        now = breaker.ready_at
        probe = breaker.start()
        assert probe
        assert breaker.ready_at == math.inf
        now += 30
        breaker.failed(began=now - 30, now=now, noise=0.5, probe=probe)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    breaker.answered()
    assert (breaker.is_open, breaker.start()) == (False, 0)
    assert breaker.ready_at < now


def test_what_is_no_probe_moves_no_probe() -> None:
    breaker = opened()
    due = breaker.ready_at
    breaker.failed(began=1.0, now=100.0, noise=0.5, probe=0)
    breaker.abandoned(now=100.0, probe=0)
    assert breaker.ready_at == due
    old = breaker.start()
    breaker.abandoned(now=101.0, probe=old)
    assert breaker.ready_at == 101.0
    old = breaker.start()
    breaker.answered()
    for number in range(5):
        fail(breaker, 200.0 + number)
    assert breaker.start()
    breaker.failed(began=101.0, now=230.0, noise=0.5, probe=old)
    breaker.abandoned(now=231.0, probe=old)
    assert breaker.ready_at == math.inf


@given(st.floats(0, 1, exclude_max=True))
def test_probes_are_jittered_by_a_fifth(noise: float) -> None:
    breaker = Breaker()
    for number in range(5):
        breaker.failed(began=float(number), now=float(number), noise=noise, probe=0)
    assert 4.8 <= breaker.ready_at <= 5.2


@given(
    st.floats(0.01, 10_000),
    st.lists(st.one_of(st.just(0.0), st.floats(0, 200)), min_size=1, max_size=300),
)
def test_no_span_of_time_sees_more_than_the_rate_and_a_tenth_of_a_second_beside(
    rate: float, waits: list[float]
) -> None:
    bucket, now, starts = Bucket(RateLimit(rate)), 0.0, []
    for wait in waits:
        now = max(now + wait / rate, bucket.ready_at)
        bucket.take(now)
        starts.append(now)
    beside = max(1.0, 0.1 * rate)
    for first in range(0, len(starts), 7):
        for last in range(first, len(starts), 3):
            assert last - first + 1 <= (starts[last] - starts[first]) * rate * (1 + 1e-9) + beside + 1e-6


def test_a_rate_is_used_up_whole_even_by_one_who_comes_late() -> None:
    bucket, starts = Bucket(RateLimit(100)), []
    for tick in range(200):
        now = tick * 0.007  # a timer that does not hit the moment
        while bucket.ready_at <= now:
            bucket.take(now)
            starts.append(now)
    assert len(starts) == pytest.approx(1.393 * 100 + 10, abs=2)
    late = Bucket(RateLimit(2))
    late.take(0.0)
    assert late.ready_at == 0.5
    late.take(0.7)
    assert late.ready_at == 1.2


@pytest.mark.parametrize(("per_second", "jobs"), [(None, 5_000), (0.01, 10), (2.5, 150), (1_000, 5_000)])
def test_no_more_is_held_than_may_begin_before_long(per_second: float | None, jobs: int) -> None:
    gate = Gate(8, None if per_second is None else RateLimit(per_second))
    assert (gate.jobs(5_000), gate.jobs(3)) == (jobs, 3)


def test_a_gate_holds_first_attempts_back_behind_its_breaker_and_all_behind_its_limit() -> None:
    gate = Gate(8, RateLimit(1.0))
    for number in range(5):
        probe = gate.start(float(number), retrying=False)
        gate.end(FAILED, began=float(number), now=number + 0.5, noise=0.5, probe=probe)
    assert gate.is_open
    assert gate.ready_at(retrying=True) == 5.0
    assert gate.ready_at(retrying=False) == 5.5
    assert gate.start(5.5, retrying=True) == 0
    assert gate.retried_last
    assert gate.ready_at(retrying=True) == 6.5
    probe = gate.start(6.5, retrying=False)
    assert gate.ready_at(retrying=False) == math.inf
    assert gate.ready_at(retrying=True) == 7.5
    gate.end(None, began=6.5, now=7.0, noise=0.5, probe=probe)
    assert gate.ready_at(retrying=False) == 7.5
    gate.end(REFUSED, began=5.5, now=7.0, noise=0.5, probe=0)  # a retry that is answered, if only with a refusal
    assert not gate.is_open
