"""When a failed delivery is tried again.

Invariant: the pauses of a policy are a finite list, known when the policy is made; jitter moves each by at most a
fifth of itself (events.md section 4).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from webhook_dispatcher.domain.errors import ValidationFailedError

JITTER = 0.2
MAX_RETRIES = 100
_MIN_SECONDS = 0.01
_MAX_SECONDS = 7 * 86_400.0
_MAX_FACTOR = 100.0
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
        ValidationFailedError: it is neither, or a number is out of bounds.
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
        raise _refused("retry", f"at most {MAX_RETRIES} pauses", "too_long")
    return RetryPolicy(tuple(_seconds(f"retry.{index}", pause) for index, pause in enumerate(given)))


def _computed(given: Mapping[str, object]) -> RetryPolicy:
    wanted = ("base", "factor", "cap", "number")
    for name in wanted:
        if name not in given:
            raise _refused(f"retry.{name}", "is missing", "missing")
    for name in given:
        if name not in wanted:
            raise _refused("retry", "holds base, factor, cap and number only", "extra_forbidden")
    base, cap = _seconds("retry.base", given["base"]), _seconds("retry.cap", given["cap"])
    factor = _bounded("retry.factor", given["factor"], 1.0, _MAX_FACTOR)
    number = _bounded("retry.number", given["number"], 0, MAX_RETRIES)
    if number != int(number):
        raise _refused("retry.number", "must be a whole number", "int_type")
    if cap < base:
        raise _refused("retry.cap", "must not be below base", "bounds")
    pauses: list[float] = []
    for _ in range(int(number)):
        pauses.append(min(cap, pauses[-1] * factor if pauses else base))
    return RetryPolicy(tuple(pauses))


def _seconds(param: str, value: object) -> float:
    return _bounded(param, value, _MIN_SECONDS, _MAX_SECONDS)


def _bounded(param: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(param, "must be a number", "number_type")
    if not math.isfinite(value) or not least <= value <= most:
        raise _refused(param, f"must be from {least:g} to {most:g}", "bounds")
    return float(value)


def _refused(param: str, message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(message, param=param, rule=rule)
