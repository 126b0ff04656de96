"""Discarding what waits of subscriptions that are disabled or deleted, a bounded step at a time.

Invariants: a step is one short transaction, however long the backlog, and holds the subscription's row while it is not
active: so nothing is discarded of one that is sent events again. What was discarded stays so: whoever goes on, after
whatever end, finds the rest.
"""

import asyncio

from chassis.postgres import Database
from webhook_dispatcher.store import claims, deliveries, subscriptions, turns

REST_SECONDS = 0.01
"""Between two steps: the others' work goes on."""

_AT_ONCE = 1_000


class Discarding:
    """Does the steps.

    Args:
        database: where everything is.
        at_once: how many deliveries a step discards.
    """

    def __init__(self, database: Database, at_once: int = _AT_ONCE) -> None:
        self._database = database
        self._at_once = at_once

    async def ended(self) -> list[str]:
        """Tell which subscriptions have something to discard, without reading through what waits."""
        async with self._database.connection() as conn:
            waiting = {line.subscription_id for line in await claims.waiting(conn)}
            return await subscriptions.ended(conn, waiting.union(await turns.subscriptions(conn)))

    async def step(self, subscription_id: str) -> bool:
        """Discard the next of what waits of a subscription, unless it is active; tell whether there was anything."""
        async with self._database.transaction() as conn:
            reason = await subscriptions.lock_ended(conn, subscription_id)
            if reason is None:
                return False
            return await deliveries.discard(conn, subscription_id, reason, at_most=self._at_once) > 0

    async def finish(self, subscription_id: str, seconds: float) -> bool:
        """Discard all that waits of a subscription, for so long at most; tell whether that is done."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while await self.step(subscription_id):
            if loop.time() >= until:
                return False
            await asyncio.sleep(REST_SECONDS)
        return True
