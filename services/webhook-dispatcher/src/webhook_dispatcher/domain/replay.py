"""Recoveries and replays: many deliveries of one subscription, opened again by a job that runs in the background.

Invariants: a job's range is fixed when it is asked for, so it ends; what comes later is delivered anyway. One whose
steps do nothing but fail ends too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webhook_dispatcher.domain.errors import Flaw, Flaws, ValidationFailedError
from webhook_dispatcher.domain.events import check_patterns, expand

SAMPLES = 10
"""How many events a dry run shows."""

MAX_FAILURES = 20
"""How many steps of a job may fail in a row: with the pauses between them it is given up after an hour or so."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=3), timedelta(minutes=5)


class ReplayKind(StrEnum):
    """Where a job finds what it sends again: among the deliveries that failed, or in the log of all events."""

    RECOVER = "recover"
    REPLAY = "replay"


class ReplayState(StrEnum):
    """How far a job has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """A number that was counted up to a bound, and whether there are more."""

    count: int
    more: bool

    @classmethod
    def bounded(cls, found: int, bound: int) -> "BoundedCount":
        """Tell what was counted up to one beyond a bound."""
        return cls(min(found, bound), found > bound)


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What is asked for.

    Attributes:
        until: the end of the range, which itself is not in it; what lies in the future is cut off.
        events: patterns that narrow the subscription's, or that stand in their place in a dry run; None for its own.
        dry_run: whether nothing is sent or written, only counted and shown.
    """

    kind: ReplayKind
    since: datetime
    until: datetime
    events: tuple[str, ...] | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """An event that a dry run matched."""

    event_id: str
    event: str
    resource_id: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step of a job did."""

    read: int = 0
    matched: int = 0
    reopened: int = 0
    created: int = 0
    types: Mapping[str, int] | None = None
    samples: Sequence[Sample] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """A job as it is stored.

    Attributes:
        expected: of a recovery, how many deliveries it was to open when it was asked for.
        position: of a recovery, the last delivery that was looked at.
        is_planned: of a replay, whether its stretches of the log are known.
        earliest: of a replay that begins before the log does, from when on the log is whole.
        read: how many records of the log, or failed deliveries, were looked at.
        types: how many matched, by type.
    """

    id: str
    org_id: str
    subscription_id: str
    order: ReplayOrder
    state: ReplayState
    error: str | None
    expected: BoundedCount | None
    position: str
    is_planned: bool
    earliest: datetime | None
    read: int
    matched: int
    reopened: int
    created: int
    types: Mapping[str, int]
    samples: Sequence[Sample]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


def pause_after(failures: int) -> timedelta | None:
    """Tell how long a job rests after so many of its steps failed in a row; None where it is given up."""
    if failures >= MAX_FAILURES:
        return None
    return min(_FIRST_PAUSE * (1 << failures - 1), _LONGEST_PAUSE)


def wanted_types(order: ReplayOrder, patterns: Collection[str]) -> frozenset[str]:
    """Tell which types a replay is after.

    Args:
        order: what was asked for.
        patterns: what the subscription wants now.
    """
    mine = expand(patterns)
    if order.events is None:
        return mine
    return expand(order.events) if order.dry_run else expand(order.events) & mine


def check_replay(order: ReplayOrder, patterns: Collection[str], now: datetime) -> ReplayOrder:
    """Answer what was asked for, if it can be done.

    Args:
        order: what was asked for.
        patterns: what the subscription wants.
        now: the present.

    Raises:
        ValidationFailedError: its range is empty or begins in the future, or its patterns stand for nothing.
    """
    flaws = Flaws()
    first, last = ("from", "to") if order.kind is ReplayKind.REPLAY else ("since", "until")
    with flaws.gathered():
        _check_range(order, first, last, now)
    if order.events is not None:
        with flaws.gathered():
            _check_events(order, patterns)
    flaws.tell()
    return order


def _check_range(order: ReplayOrder, first: str, last: str, now: datetime) -> None:
    if order.since >= now:
        raise ValidationFailedError(Flaw(first, "must be in the past", "future"))
    if order.until <= order.since:
        raise ValidationFailedError(Flaw(last, f"must be after {first}", "order"))


def _check_events(order: ReplayOrder, patterns: Collection[str]) -> None:
    check_patterns(order.events or ())
    if not wanted_types(order, patterns):
        raise ValidationFailedError(
            Flaw("events", "must name a type that the subscription wants, unless dry_run is true", "not_wanted")
        )
