"""The gates of all endpoints, and the time at which one that waits may go on.

Invariants: a subscription's gate is forgotten when it ends, or leads elsewhere, or gets another rate limit; an
endpoint waits with one timer, however many deliveries wait with it.
"""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass

from webhook_dispatcher.domain.gate import Gate
from webhook_dispatcher.domain.rate_limit import RateLimit
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.worker.metrics import OPEN_BREAKERS, THROTTLED

_LEAST_SECONDS = 0.001  # what timers can tell apart


@dataclass(frozen=True, slots=True)
class _Known:
    """A gate, and what it was made for."""

    gate: Gate
    url: str
    rate_limit: RateLimit | None


class Gates:
    """Makes and keeps a gate an endpoint.

    Args:
        find: finds an active subscription.
        most: the attempts under way that an endpoint may have at most.
        timer: tells seconds that never run backwards.
    """

    def __init__(self, find: Callable[[str], Subscription | None], *, most: int, timer: Callable[[], float]) -> None:
        self._find = find
        self._most = most
        self._timer = timer
        self._wake: Callable[[str], None] = lambda _: None
        self._known: dict[str, _Known] = {}
        self._timers: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        OPEN_BREAKERS.set_function(lambda: sum(one.gate.is_open for one in self._known.values()))
        THROTTLED.set_function(lambda: sum(not self.of(name).is_open for name in self._timers))

    def watch(self, wake: Callable[[str], None]) -> None:
        """Have `wake` called with an endpoint that waited and may go on."""
        self._wake = wake

    def of(self, endpoint: str) -> Gate:
        """Find or make an endpoint's gate."""
        known = self._known.get(endpoint)
        return self._made(endpoint) if known is None else known.gate

    def hold(self, endpoint: str, until: float) -> None:
        """Wake an endpoint then, unless it is woken before."""
        if endpoint in self._timers:
            sooner, timer = self._timers[endpoint]
            if sooner <= until:
                return
            timer.cancel()
        seconds = max(_LEAST_SECONDS, until - self._timer())
        ring = functools.partial(self._ring, endpoint)
        self._timers[endpoint] = (until, asyncio.get_running_loop().call_later(seconds, ring))

    def renew(self, endpoint: str) -> None:
        """Forget what is known of an endpoint whose subscription ended, leads elsewhere or has another limit."""
        known, found = self._known.get(endpoint), self._find(endpoint)
        if known is None or (found and (found.url, found.rate_limit) == (known.url, known.rate_limit)):
            return
        del self._known[endpoint]
        if endpoint in self._timers:
            self._timers.pop(endpoint)[1].cancel()
        self._wake(endpoint)

    def release(self) -> None:
        """Wake nobody any more of those who wait now."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _ring(self, endpoint: str) -> None:
        del self._timers[endpoint]
        self._wake(endpoint)

    def _made(self, endpoint: str) -> Gate:
        found = self._find(endpoint)
        if found is None:
            return Gate(self._most, None)  # its deliveries are discarded; there is nothing to learn
        gate = Gate(self._most, found.rate_limit)
        self._known[endpoint] = _Known(gate, found.url, found.rate_limit)
        return gate
