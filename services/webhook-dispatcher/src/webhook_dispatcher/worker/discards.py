"""Discarding in the background: what waits of subscriptions that are sent nothing any more.

Whoever disables or deletes a subscription changes nothing but its row: its deliveries may be very many.

Invariant: it is found without being told of, at the start and every so often, so what a killed process left half done
is gone on with.
"""

import asyncio

import structlog

from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT
from webhook_dispatcher.service.discarding import REST_SECONDS, Discarding

_log = structlog.get_logger(__name__)
_POLL_SECONDS = 5.0


class Discards:
    """Looks when a subscription has ended, and every few seconds for what others left."""

    def __init__(self, discarding: Discarding) -> None:
        self._discarding = discarding
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Discard until asked to stop."""
        stop.waking(self.wake)
        while not stop.is_set():
            self._woken.clear()
            try:
                await self._look(stop)
            except TRANSIENT as error:
                _log.warning("discards_wait", error=repr(error))
            await self._wait()

    async def _look(self, stop: Stop) -> None:
        for subscription_id in await self._discarding.ended():
            while not stop.is_set() and await self._discarding.step(subscription_id):
                await stop.wait(REST_SECONDS)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
