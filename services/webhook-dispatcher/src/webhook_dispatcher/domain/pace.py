"""How many attempts one endpoint may have under way: as many as it takes quickly.

Invariants: it is never less than one, so that an endpoint which is well again is found to be; what fails together
counts once, so that one bad moment costs one step. Times are seconds of any clock that never runs backwards.
"""

import math

from webhook_dispatcher.domain.signs import Manner, Sign

SLOW_SECONDS = 2.0
"""An answer that takes longer is a slow one; so is none at all for as long."""

_START = 0.5  # of all that an endpoint may have
_FAILED_FACTOR = 0.5
_SLOW_FACTOR = 0.8
_SLOW_LEAST = 0.25  # an endpoint that is slow and yet takes everything keeps a quarter
_FIRST_REST = 0.1
_LONGEST_OWN_REST = 10.0


class Pace:
    """The share of its slots that an endpoint may use, and whether it is to be left alone for a while.

    Args:
        most: the attempts under way that an endpoint may have at most.
    """

    __slots__ = ("_level", "_overloads", "_quick", "_quiet_since", "_shrunk_at", "_step", "_under_way", "rest_until")

    def __init__(self, most: int) -> None:
        self._step = 1 / most
        self._level = _START
        self._shrunk_at = -math.inf
        self._overloads = 0  # in a row, those that came together counted once
        self._under_way = 0
        self._quiet_since = 0.0  # while attempts are under way: since when none of them has ended
        self._quick = False  # whether the last answer was a quick one
        self.rest_until = -math.inf

    def slots(self, of: int, now: float) -> int:
        """Tell how many of so many slots the endpoint may use now; each time it is quiet for 2 s halves them."""
        return max(1, int(of * self._level) >> self._quiet_spells(now))

    def is_trusted(self, now: float) -> bool:
        """Tell whether the endpoint's last answer was a quick one and none has been outstanding for long since."""
        return self._quick and not self._quiet_spells(now)

    def start(self, now: float) -> None:
        """Note that an attempt begins."""
        if not self._under_way:
            self._quiet_since = now
        self._under_way += 1

    def end(self, sign: Sign | None, began: float, now: float) -> None:
        """Note how an attempt ended; without a sign it tells nothing."""
        self._under_way -= 1
        if sign is None:
            return
        self._quiet_since = now
        is_quick = now - began <= SLOW_SECONDS
        self._quick = is_quick and sign.manner.is_answer
        if sign.manner is Manner.TAKEN:
            self._taken(is_quick, began, now)
        elif sign.manner is Manner.OVERLOADED:
            self._overloaded(sign.rest, began, now)
        elif sign.manner is Manner.FAILED:
            self._shrink(_FAILED_FACTOR, began, now)

    def _taken(self, is_quick: bool, began: float, now: float) -> None:
        self._overloads = 0
        if is_quick:
            self._level = min(1.0, self._level + self._step)
        elif self._level > _SLOW_LEAST:
            self._shrink(_SLOW_FACTOR, began, now)
            self._level = max(_SLOW_LEAST, self._level)

    def _overloaded(self, asked: float, began: float, now: float) -> None:
        """Shrink, and where shrinking did not help, leave the endpoint alone: each time twice as long."""
        own = 0.0
        if self._shrink(_FAILED_FACTOR, began, now):
            self._overloads += 1
            if self._overloads > 1:
                own = min(_LONGEST_OWN_REST, _FIRST_REST * 2 ** min(self._overloads - 2, 16))
        if own or asked:
            self.rest_until = max(self.rest_until, now + max(own, asked))

    def _shrink(self, factor: float, began: float, now: float) -> bool:
        """Shrink, unless the attempt had begun before the last time; tell whether it did."""
        if began < self._shrunk_at:
            return False
        self._shrunk_at = now
        self._level = max(self._step, self._level * factor)
        return True

    def _quiet_spells(self, now: float) -> int:
        return int((now - self._quiet_since) / SLOW_SECONDS) if self._under_way else 0
