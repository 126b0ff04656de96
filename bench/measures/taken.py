"""What another system took of a load, and what came back of it.

Invariant: an arrival counts for the one request whose marker it carries; what carries none counts for nothing, and what
comes twice counts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.child import ChildError
from bench.load import Cost, Load, at_rate, saturated
from bench.other_system import values

Post = tuple[int, int, int, int]
"""The number of a request, when it was due and answered, in microseconds since 1970, and the status of the answer."""


@dataclass(frozen=True)
class Taken:
    """One load.

    Attributes:
        load: from when each request was due to its webhook's arrival.
        answered_ms: from when each was due to its answer.
        sent: how many requests were sent; at a fixed rate, of those that count.
        refused: how many of them had no answer or none of 2xx.
        missing: how many were taken and never arrived while we waited.
        repeated: how many arrived more than once.
    """

    load: Load
    answered_ms: tuple[float, ...]
    sent: int
    refused: int
    missing: int
    repeated: int


def taken(
    rate: float | None, load: str, posted: Sequence[Post], arrivals: Mapping[str, Sequence[int]], cost: Cost
) -> Taken:
    """Make up the sum of a load: each arrival counts for its own request.

    Args:
        rate: requests a second; None at saturation.
        load: what the markers begin with.
        posted: those that count.
        arrivals: when each marker came first, and how often, of those too that were posted before.
        cost: of all of them.

    Raises:
        ChildError: none of them arrived.
    """
    accepted = {values(load, number)["marker"]: due for number, due, _, status in posted if is_taken(status)}
    spans = [(due, arrivals[marker][0]) for marker, due in accepted.items() if marker in arrivals]
    if not spans:
        raise ChildError(f"of {len(posted)} requests {len(accepted)} were taken, and no webhook came of them")
    lasted = max(came for _, came in spans) - min(due for due, _ in spans)
    return Taken(
        load=saturated(1_000_000 * len(spans) / lasted, cost) if rate is None else at_rate(rate, spans, cost),
        answered_ms=tuple((answered - due) / 1000 for _, due, answered, _ in posted),
        sent=len(posted),
        refused=len(posted) - len(accepted),
        missing=len(accepted) - len(spans),
        repeated=sum(arrivals[marker][1] > 1 for marker in accepted if marker in arrivals),
    )


def is_taken(status: int) -> bool:
    """Tell whether a status means that the request was taken."""
    return status // 100 == 2
