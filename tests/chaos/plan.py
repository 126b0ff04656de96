"""Which faults are done, to what, when and for how long: a schedule that follows from a seed.

Invariant: pure. The same seed, duration and targets give the same schedule, in order of time; a schedule that is long
enough has every kind of fault, and its processes and servers take turns. Most kills come while a way of the process
stands still.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Literal, TypeVar

Kind = Literal["kill", "pause", "restart", "cut", "slow", "poison", "rebalance"]
KINDS: tuple[Kind, ...] = ("kill", "pause", "restart", "cut", "slow", "poison", "rebalance")

RUN_WAS_OVER = "the run was over"
"""Why a fault was not done whose target was in the hands of others until the end."""

GAP_SECONDS = 2.5
"""Between two faults, on the average; the shorter ones begin before the longer ones have ended."""

_FIRST_SECONDS = 1.0
_LASTS: dict[Kind, tuple[float, float]] = {
    "kill": (0.0, 2.0),
    "pause": (0.5, 8.0),
    "restart": (0.0, 1.0),
    "cut": (0.3, 5.0),
    "slow": (1.0, 8.0),
    "poison": (0.0, 0.0),
    "rebalance": (1.0, 6.0),
}
_DELAY_SECONDS = (0.02, 0.4)
_STILL_SHARE = 0.25
_RECORDS = (5, 60)
_STUCK_SHARE = 0.6
_STUCK_SECONDS = (0.5, 2.0)

T = TypeVar("T")


@dataclass(frozen=True)
class Targets:
    """What faults may be done to, by name."""

    processes: Sequence[str]
    servers: Sequence[str]
    ways: Sequence[str]
    topics: Sequence[str]
    groups: Sequence[str]


@dataclass(frozen=True)
class Planned:
    """A fault to do.

    Attributes:
        at: seconds after the load has begun.
        lasts: for how many seconds the target is left as it is then; it needs some more to be well again.
        amount: of `slow` the seconds that each piece of data is held up, 0 for letting nothing pass; of `poison` the
            number of records; else 0.
    """

    at: float
    kind: Kind
    target: str
    lasts: float
    amount: float = 0.0

    def __str__(self) -> str:
        more = f", {self.amount:g}" if self.amount else ""
        return f"{self.at:6.1f} s  {self.kind} {self.target} ({self.lasts:.1f} s{more})"


def plan(seed: int, duration: float, targets: Targets) -> tuple[Planned, ...]:
    """Make the schedule of a run of so many seconds.

    Raises:
        ValueError: there is nothing to do some kind of fault to.
    """
    missing = [one.name for one in fields(targets) if not getattr(targets, one.name)]
    if missing:
        raise ValueError(f"targets are missing: {', '.join(missing)}")
    faults = _faults(Random(seed), duration, targets)
    return tuple(one for one in faults if one.at < duration)


def _faults(random: Random, duration: float, targets: Targets) -> Iterator[Planned]:
    kinds = _turns(random, KINDS)
    parts = _turns(random, [*targets.processes, *targets.servers])
    others: dict[Kind, Iterator[str]] = {
        "cut": _turns(random, targets.ways),
        "slow": _turns(random, targets.ways),
        "poison": _turns(random, targets.topics),
        "rebalance": _turns(random, targets.groups),
    }
    at = _FIRST_SECONDS
    while at < duration:
        kind = next(kinds)
        target = next(others.get(kind, parts))
        if kind == "kill" and target in targets.processes and random.random() < _STUCK_SHARE:
            yield from _stuck(random, at, target, targets)
            at += random.uniform(*_STUCK_SECONDS)
        yield Planned(round(at, 2), kind, target, round(random.uniform(*_LASTS[kind]), 2), _amount(random, kind))
        at += random.uniform(0.4, 1.6) * GAP_SECONDS


def _stuck(random: Random, at: float, process: str, targets: Targets) -> Iterator[Planned]:
    """Have one of a process's own ways stand still, so that it is killed with much under way."""
    ways = [way for way in targets.ways if way.startswith(f"{process}>")]
    if ways:
        yield Planned(round(at, 2), "slow", random.choice(ways), _STUCK_SECONDS[1] + 0.5)


def _amount(random: Random, kind: Kind) -> float:
    if kind == "poison":
        return float(random.randint(*_RECORDS))
    if kind == "slow" and random.random() >= _STILL_SHARE:
        return round(random.uniform(*_DELAY_SECONDS), 3)
    return 0.0


def _turns(random: Random, things: Sequence[T]) -> Iterator[T]:
    """Go through things for ever, each time all of them, each time in another order."""
    while True:
        yield from random.sample(things, len(things))
