"""The few numbers that stand for many."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Answer the least value that at least `share` of all (0 to 1) do not exceed (nearest rank)."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def latency_figures(name: str, milliseconds: Sequence[float]) -> dict[str, float]:
    """Answer the figures of latencies, by names that begin with this one."""
    return {f"{name}_p50_ms": percentile(milliseconds, 0.5), f"{name}_p99_ms": percentile(milliseconds, 0.99)}
