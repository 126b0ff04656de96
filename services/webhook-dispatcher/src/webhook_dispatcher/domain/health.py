"""How an endpoint fares: what its attempts add up to.

Invariant: everything here is a pure function of attempts. A latency is kept as the bucket it falls into, each bucket a
fifth wider than the one before, so a percentile is within a tenth of what it was.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, Self

from slotwire_contracts import DeliveryAttempt
from webhook_dispatcher.domain.exchange import FailureKind, is_success

FEW_MINUTES, MINUTES = 5, 60
"""How far back health looks: for how an endpoint does now, and over all."""

_BUCKETS_A_DOUBLING = 4


# A tuple, since one is made for each attempt: that takes a quarter of the time of a frozen dataclass.
class Result(NamedTuple):
    """One attempt, as far as health goes."""

    started_at: datetime
    ended_at: datetime
    latency_ms: int
    succeeded: bool

    @property
    def minute(self) -> int:
        """The minute in which it ended, since 1970."""
        return minute_of(self.ended_at)


def results(attempts: Iterable[DeliveryAttempt]) -> list[Result]:
    """Read what attempts say about their endpoint, in the order in which they ended.

    Where nothing was sent because the secret could not be opened, that is the operator's failure.
    """
    read = [
        Result(
            one.started_at,
            one.started_at + timedelta(milliseconds=one.latency_ms),
            one.latency_ms,
            is_success(one.status),
        )
        for one in attempts
        if one.error != FailureKind.SEALED
    ]
    return sorted(read, key=lambda one: one.ended_at)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many attempts succeeded, and in which bucket the latency of each attempt fell."""

    successes: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """How many there were."""
        return sum(self.latencies.values())

    @property
    def success_rate(self) -> float | None:
        """The share of those that succeeded; None where there were none."""
        return self.successes / self.attempts if self.attempts else None

    def adding(self, some: Iterable[Result]) -> Self:
        """Count attempts."""
        successes, latencies = self.successes, dict(self.latencies)
        for one in some:
            successes += one.succeeded
            bucket = _bucket(one.latency_ms)
            latencies[bucket] = latencies.get(bucket, 0) + 1
        return replace(self, successes=successes, latencies=latencies)

    def plus(self, other: Self) -> Self:
        """Add another tally."""
        buckets = self.latencies.keys() | other.latencies.keys()
        latencies = {one: self.latencies.get(one, 0) + other.latencies.get(one, 0) for one in buckets}
        return replace(self, successes=self.successes + other.successes, latencies=latencies)

    def percentile(self, share: float) -> int | None:
        """Tell the latency, in ms, that this share of the attempts did not exceed; None where there were none."""
        rank = max(1, math.ceil(share * self.attempts))
        for bucket, count in sorted(self.latencies.items()):
            if rank <= count:
                return round(math.pow(2.0, (bucket - 0.5) / _BUCKETS_A_DOUBLING))  # the middle of the bucket
            rank -= count
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an endpoint works.

    Attributes:
        active_since: since when its subscription was active and led to it; a later one begins anew.
        failing_since: when the first failed attempt began after which none succeeded.
        failures: how many attempts have failed since then.
        last_success_at: when the last attempt ended that succeeded.
        last_attempt_at: when the last attempt ended.
    """

    active_since: datetime
    failing_since: datetime | None = None
    failures: int = 0
    last_success_at: datetime | None = None
    last_attempt_at: datetime | None = None

    def adding(self, some: Iterable[Result]) -> Self:
        """Take attempts into account, in the order in which they ended."""
        standing = self
        for succeeded, run in groupby(some, attrgetter("succeeded")):
            for one in deque(run, maxlen=1) if succeeded else run:  # of successes in a row the last says all
                standing = standing._after(one)
        return standing

    def has_failed_for(self, period: timedelta) -> bool:
        """Tell whether attempts failed at both ends of a period, and none in it succeeded.

        Silence is no failure: an endpoint that was tried once, long ago, has not failed for long.
        """
        if self.failing_since is None or self.last_attempt_at is None:
            return False
        return self.last_attempt_at - self.failing_since >= period

    def _after(self, one: Result) -> Self:
        last = max(self.last_attempt_at or one.ended_at, one.ended_at)
        if one.succeeded:
            success = max(self.last_success_at or one.ended_at, one.ended_at)
            if self.failing_since is not None and one.ended_at < self.failing_since:
                return replace(self, last_success_at=success, last_attempt_at=last)
            return replace(self, failing_since=None, failures=0, last_success_at=success, last_attempt_at=last)
        if self.last_success_at is not None and one.ended_at <= self.last_success_at:
            return replace(self, last_attempt_at=last)
        since = min(self.failing_since or one.started_at, one.started_at)
        return replace(self, failing_since=since, failures=self.failures + 1, last_attempt_at=last)


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of an endpoint: how it stands, and the tallies of the last five minutes and of the last hour."""

    standing: Standing
    five_minutes: Tally
    hour: Tally


def summed(minutes: Mapping[int, Tally], now: int, back: int) -> Tally:
    """Add up the latest so many minutes, the one that runs now among them."""
    total = Tally()
    for minute, tally in minutes.items():
        if now - back < minute <= now:
            total = total.plus(tally)
    return total


def minute_of(instant: datetime) -> int:
    """Tell the minute of an instant, since 1970."""
    return int(instant.timestamp()) // 60


def _bucket(latency_ms: int) -> int:
    return math.ceil(math.log2(latency_ms) * _BUCKETS_A_DOUBLING) if latency_ms > 1 else 0
