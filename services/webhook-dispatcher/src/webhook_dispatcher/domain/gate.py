"""When an endpoint's next attempt may begin: its breaker, its pace and its own rate limit taken together.

Invariant: a breaker holds back first attempts only. Retries keep their schedule; each of them tells, too, whether the
endpoint is there.
"""

import math

from webhook_dispatcher.domain.breaker import Breaker
from webhook_dispatcher.domain.pace import Pace
from webhook_dispatcher.domain.rate_limit import Bucket, RateLimit
from webhook_dispatcher.domain.signs import Sign

_FEW = 10
_AHEAD_SECONDS = 60.0


class Gate:
    """What is known of one endpoint; first attempts and retries go through the same gate.

    Args:
        most: the attempts under way that an endpoint may have at most.
        limit: the subscription's own rate limit.
    """

    __slots__ = ("_ahead", "_breaker", "_bucket", "_pace", "retried_last")

    def __init__(self, most: int, limit: RateLimit | None) -> None:
        self._pace = Pace(most)
        self._breaker = Breaker()
        self._bucket = None if limit is None else Bucket(limit)
        self._ahead = math.inf if limit is None else max(_FEW, limit.per_second * _AHEAD_SECONDS)
        self.retried_last = False  # whether the last attempt that began was a retry

    @property
    def is_open(self) -> bool:
        """Whether its breaker is open."""
        return self._breaker.is_open

    def jobs(self, of: int) -> int:
        """Tell how many of so many jobs are worth holding in memory: no more than may begin before long."""
        return int(min(of, _FEW if self.is_open else self._ahead))

    def ready_at(self, *, retrying: bool) -> float:
        """Tell when an attempt may begin, infinity if something must end first."""
        ready = self._pace.rest_until
        if self._bucket is not None:
            ready = max(ready, self._bucket.ready_at)
        return ready if retrying else max(ready, self._breaker.ready_at)

    def slots(self, of: int, now: float) -> int:
        """Tell how many of so many slots the endpoint may use now."""
        return self._pace.slots(of, now)

    def is_trusted(self, now: float) -> bool:
        """Tell whether the endpoint will probably answer quickly."""
        return self._pace.is_trusted(now)

    def start(self, now: float, *, retrying: bool) -> int:
        """Note that an attempt begins; the answer, 0 unless it is a probe, is told again at its end."""
        self._pace.start(now)
        if self._bucket is not None:
            self._bucket.take(now)
        self.retried_last = retrying
        return 0 if retrying else self._breaker.start()

    def end(self, sign: Sign | None, *, began: float, now: float, noise: float, probe: int) -> None:
        """Note how an attempt ended; without a sign it was not made to its end, or nothing was sent.

        Args:
            sign: what it told.
            began: when it began.
            now: when it ended.
            noise: a number in [0, 1) that moves the pause before the next probe.
            probe: what `start` answered.
        """
        self._pace.end(sign, began, now)
        if sign is None:
            self._breaker.abandoned(now=now, probe=probe)
        elif sign.manner.is_answer:
            self._breaker.answered()
        else:
            self._breaker.failed(began=began, now=now, noise=noise, probe=probe)
