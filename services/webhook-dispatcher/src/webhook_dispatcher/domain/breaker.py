"""A breaker: whether an endpoint that only fails is sent first attempts.

Invariants: while it is open, one probe at a time is made, at pauses that grow up to a minute; any answer that shows
the endpoint to be there closes it. Times are seconds of any clock that never runs backwards.
"""

import math

_FAILURES = 5
_LEAST_SECONDS = 2.0  # failures that come together are one bad moment
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_JITTER = 0.2


class Breaker:
    """Opens after five failures in a row over at least two seconds."""

    __slots__ = ("_failing_since", "_failures", "_next_probe", "_probes", "_spell", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        self._spell = 0  # how often it has opened
        self._failures = 0  # in a row
        self._failing_since = math.inf
        self._probes = 0
        self._next_probe = -math.inf

    @property
    def ready_at(self) -> float:
        """When a first attempt may begin; infinity while a probe is under way, which ends some time."""
        return self._next_probe

    def start(self) -> int:
        """Note that a first attempt begins; the answer, 0 unless it is a probe, is told again at its end."""
        if not self.is_open:
            return 0
        self._next_probe = math.inf
        return self._spell

    def answered(self) -> None:
        """Note that the endpoint is there."""
        if self._failures:
            self.is_open = False
            self._failures = 0
            self._failing_since = math.inf
            self._probes = 0
            self._next_probe = -math.inf

    def failed(self, *, began: float, now: float, noise: float, probe: int) -> None:
        """Note that an attempt failed.

        Args:
            began: when it began.
            now: when it ended.
            noise: a number in [0, 1) that moves the pause before the next probe.
            probe: what `start` answered.
        """
        self._failures += 1
        self._failing_since = min(self._failing_since, began)
        if self._is_ours(probe):
            self._pause(now, noise)
        elif not self.is_open and self._failures >= _FAILURES and now - self._failing_since >= _LEAST_SECONDS:
            self.is_open = True
            self._spell += 1
            self._pause(now, noise)

    def abandoned(self, *, now: float, probe: int) -> None:
        """Note that an attempt told nothing; if it was a probe, another may begin."""
        if self._is_ours(probe):
            self._next_probe = now

    def _is_ours(self, probe: int) -> bool:
        """Tell whether a probe was begun since the breaker opened; an older one's end is none of this one's."""
        return self.is_open and probe == self._spell

    def _pause(self, now: float, noise: float) -> None:
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._probes, 16))
        self._probes += 1
        self._next_probe = now + pause * (1 + _JITTER * (2 * noise - 1))
