"""How many attempts a second a subscription is sent at most, by its own wish.

Invariant: in any span of time no more attempts begin than its seconds allow, and a tenth of a second's worth (or one)
beside. Times are seconds of any clock that never runs backwards.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from webhook_dispatcher.domain.errors import Flaw, Flaws, ValidationFailedError

MIN_PER_SECOND = 0.01
MAX_PER_SECOND = 10_000.0
_BURST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many attempts a second, retries among them."""

    per_second: float


def parse_rate_limit(given: object) -> RateLimit | None:
    """Read a subscription's own `rate_limit`, `{per_second}`; None for no limit.

    Raises:
        ValidationFailedError: it is no such object, or the number is out of bounds.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise _refused("rate_limit", "must be an object of per_second", "rate_limit_type")
    flaws = Flaws()
    with flaws.gathered():
        if not set(given) <= {"per_second"}:
            raise _refused("rate_limit", "must hold per_second only", "extra_forbidden")
    with flaws.gathered():
        if "per_second" not in given:
            raise _refused("rate_limit.per_second", "must be given", "missing")
        limit = RateLimit(_bounded(given["per_second"]))
    flaws.tell()
    return limit


class Bucket:
    """The tokens of one rate: one for each attempt, new ones as time goes by."""

    __slots__ = ("_full_at", "_interval", "_slack")

    def __init__(self, limit: RateLimit) -> None:
        self._interval = 1 / limit.per_second
        self._slack = max(0.0, _BURST_SECONDS - self._interval)
        self._full_at = -math.inf

    @property
    def ready_at(self) -> float:
        """When a token is there."""
        return self._full_at - self._slack

    def take(self, now: float) -> None:
        """Take a token; call it only when one is there."""
        self._full_at = max(self._full_at, now) + self._interval


def _bounded(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused("rate_limit.per_second", "must be a number", "number_type")
    if not math.isfinite(value) or not MIN_PER_SECOND <= value <= MAX_PER_SECOND:
        message = f"must be from {MIN_PER_SECOND:g} to {MAX_PER_SECOND:g}"
        raise _refused("rate_limit.per_second", message, "bounds")
    return float(value)


def _refused(param: str, message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw(param, message, rule))
