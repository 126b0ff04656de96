"""The few numbers that stand for many."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Answer the least value that at least `share` of all (0 to 1) do not exceed (nearest rank)."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]
