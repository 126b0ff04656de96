"""When a failed delivery is tried again.

Invariant: the pauses of a policy are a finite list, known when the policy is made; jitter moves each by at most a
fifth of itself (events.md section 4).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from webhook_dispatcher.domain.errors import Flaw, Flaws, ValidationFailedError

JITTER = 0.2
MAX_RETRIES = 100
MIN_SECONDS = 0.01
MAX_SECONDS = 7 * 86_400.0
FORMULA: Mapping[str, tuple[float, float]] = {
    "base": (MIN_SECONDS, MAX_SECONDS),
    "factor": (1.0, 100.0),
    "cap": (MIN_SECONDS, MAX_SECONDS),
    "number": (0, MAX_RETRIES),
}
"""What a policy that is given as a formula holds, with the least and the most that each may be."""

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The pauses, in seconds, after the first, second, … failed attempt; after the last of them comes no other."""

    pauses: tuple[float, ...]

    def pause(self, attempt: int, noise: float) -> float | None:
        """Tell the pause after an attempt, with jitter, in seconds; None when it was the last.

        Args:
            attempt: the number of the attempt that failed, from 1.
            noise: a number in [0, 1), 0.5 for no jitter.
        """
        if attempt > len(self.pauses):
            return None
        return self.pauses[attempt - 1] * (1 + JITTER * (2 * noise - 1))


DEFAULT = RetryPolicy((5.0, 300.0, 0.5 * _HOUR, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR))
"""The schedule of events.md section 4: about 76 hours in all."""


def parse_policy(given: object) -> RetryPolicy | None:
    """Read a subscription's own `retry`: a list of seconds, or `{base, factor, cap, number}`; None for the default.

    Raises:
        ValidationFailedError: it is neither, or numbers are out of bounds.
    """
    if given is None:
        return None
    if isinstance(given, list):
        return _listed(given)
    if isinstance(given, Mapping):
        return _computed(given)
    raise _refused("retry", "must be a list of seconds, or an object of base, factor, cap and number", "retry_type")


def _listed(given: list[object]) -> RetryPolicy:
    if len(given) > MAX_RETRIES:
        raise _refused("retry", f"must be at most {MAX_RETRIES} pauses", "too_long")
    flaws = Flaws()
    pauses: list[float] = []
    for index, pause in enumerate(given):
        with flaws.gathered():
            pauses.append(_bounded(f"retry.{index}", pause, MIN_SECONDS, MAX_SECONDS))
    flaws.tell()
    return RetryPolicy(tuple(pauses))


def _computed(given: Mapping[str, object]) -> RetryPolicy:
    flaws = Flaws()
    with flaws.gathered():
        if not set(given) <= set(FORMULA):
            raise _refused("retry", "must hold base, factor, cap and number only", "extra_forbidden")
    read: dict[str, float] = {}
    for name, bounds in FORMULA.items():
        with flaws.gathered():
            if name not in given:
                raise _refused(f"retry.{name}", "must be given", "missing")
            read[name] = _bounded(f"retry.{name}", given[name], *bounds)
    flaws.tell()
    if not read["number"].is_integer():
        raise _refused("retry.number", "must be a whole number", "int_type")
    if read["cap"] < read["base"]:
        raise _refused("retry.cap", "must not be below base", "bounds")
    pauses: list[float] = []
    for _ in range(int(read["number"])):
        pauses.append(min(read["cap"], pauses[-1] * read["factor"] if pauses else read["base"]))
    return RetryPolicy(tuple(pauses))


def _bounded(param: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(param, "must be a number", "number_type")
    if not math.isfinite(value) or not least <= value <= most:
        raise _refused(param, f"must be from {least:g} to {most:g}", "bounds")
    return float(value)


def _refused(param: str, message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw(param, message, rule))
