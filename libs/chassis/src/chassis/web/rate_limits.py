"""How many requests a key may make in a window that slides, and how the key is told.

Invariant: what is remembered is bounded, whatever number of keys calls; a key that was forgotten counts anew.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands after one of its requests.

    Attributes:
        allowed: whether the request was within the limit; one that was not is not counted.
        limit: requests in a window.
        remaining: requests that it may make at once.
        seconds: after how many it may make one more; at least 1.
    """

    allowed: bool
    limit: int
    remaining: int
    seconds: int

    @property
    def headers(self) -> Mapping[str, str]:
        """What every answer to the key tells of it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
        }


class RateLimits:
    """The counts of one application's keys, in this process.

    Each key has a storage of its own, since a storage looks through all that it holds at every request.

    Args:
        limit: the requests that each key may make, and in what time.
        keys: how many keys are remembered; past that, those that called least lately are forgotten.
    """

    def __init__(self, limit: RateLimitItem, *, keys: int = _KEYS) -> None:
        self._limit = limit
        self._keys = keys
        self._limiters: OrderedDict[str, SlidingWindowCounterRateLimiter] = OrderedDict()

    @classmethod
    def a_minute(cls, requests: int) -> Self:
        """Make the counts of keys that may make so many requests a minute."""
        return cls(RateLimitItemPerMinute(requests))

    async def count(self, key_id: str) -> Standing:
        """Count a request of a key, unless it is one too many."""
        limiter = self._limiter_of(key_id)
        allowed = await limiter.hit(self._limit)
        reset_time, remaining = await limiter.get_window_stats(self._limit)
        seconds = max(0, int(reset_time - time.time())) + 1  # up, as one that comes the very moment is still too early
        return Standing(allowed, self._limit.amount, remaining, seconds)

    async def allows(self, key_id: str) -> bool:
        """Tell whether a key may make a request now, without counting one."""
        return bool(await self._limiter_of(key_id).test(self._limit))

    def _limiter_of(self, key_id: str) -> SlidingWindowCounterRateLimiter:
        if key_id not in self._limiters:
            self._limiters[key_id] = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._limiters.move_to_end(key_id)
        if len(self._limiters) > self._keys:
            self._limiters.popitem(last=False)
        return self._limiters[key_id]
