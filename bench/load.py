"""One load, at a fixed rate or at saturation, and what it cost.

Invariant: at a fixed rate the time of each piece runs from the instant that it was due, whatever became of those
before it (open loop): whatever stands still shows in all that fell due meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.percentiles import latency_figures
from bench.usage import CpuMeter, memory_mib

Span = tuple[int, int]
"""When something was due and when it was done, in microseconds since 1970."""


@dataclass(frozen=True)
class Cost:
    """What a load cost, by the names of the processes, each with its children.

    Attributes:
        cpu_s: processor seconds for a thousand pieces, which is milliseconds for each.
        memory_mib: memory at the end, in MiB; what several share is counted once (PSS).
    """

    cpu_s: dict[str, float]
    memory_mib: dict[str, float]


@dataclass(frozen=True)
class Load:
    """What was asked and what was done.

    Attributes:
        rate: pieces that fell due a second; None at saturation.
        per_s: pieces done a second.
        milliseconds: of each piece from due to done, in no order; none at saturation.
    """

    rate: float | None
    per_s: float
    milliseconds: tuple[float, ...]
    cost: Cost

    @property
    def name(self) -> str:
        """Tell it in a word: `200/s`, `saturated`."""
        return "saturated" if self.rate is None else f"{self.rate:g}/s"


Loads = Mapping[str, tuple[Load, ...]]
"""Loads that belong together, by the beginning of their figures' names."""


def at_rate(rate: float, spans: Sequence[Span], cost: Cost) -> Load:
    """Make up the sum of a load at a fixed rate; what was done a second is told from first due to last done."""
    lasted = max(done for _, done in spans) - min(due for due, _ in spans)
    return Load(rate, 1_000_000 * len(spans) / lasted, tuple((done - due) / 1000 for due, done in spans), cost)


def saturated(per_s: float, cost: Cost) -> Load:
    """Make up the sum of a load at saturation."""
    return Load(None, per_s, (), cost)


def figures_of(measured: Loads) -> dict[str, float]:
    """Tell the figures of loads."""
    figures: dict[str, float] = {}
    for what, loads in measured.items():
        for load in loads:
            if load.rate is None:
                figures[f"{what}_saturated_per_s"] = load.per_s
            else:
                figures |= latency_figures(f"{what}_{load.rate:g}", load.milliseconds)
    return figures


class CostMeter:
    """What processes cost since it was made, by their names."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._cpu = CpuMeter(pids)

    def cost(self, done: int) -> Cost:
        """Tell it, of so many pieces done."""
        cpu_s = {name: 1000 * spent / done for name, spent in self._cpu.seconds().items()}
        return Cost(cpu_s, {name: memory_mib(pid) for name, pid in self._pids.items()})
