"""Leaving an old key for secrets at rest behind, in the background.

Invariant: `slotwire_webhook_sealed_with_old_keys` is 0 only after a whole look at the subscriptions found none that an
old key sealed, and is no number before the first look.
"""

import asyncio
import math

import structlog

from chassis.lifecycle import Stop
from webhook_dispatcher.service.resealing import Resealing
from webhook_dispatcher.worker.metrics import SEALED_WITH_OLD_KEYS, UNREADABLE

_log = structlog.get_logger(__name__)
_SOON_SECONDS = 10.0  # while a change of a subscription was in the way
_LATER_SECONDS = 600.0  # another process may seal with an old key until it is replaced


class Resealer:
    """Looks through all subscriptions, and again."""

    def __init__(self, resealing: Resealing) -> None:
        self._resealing = resealing
        SEALED_WITH_OLD_KEYS.set(math.nan)
        UNREADABLE.set(math.nan)

    async def run(self, stop: Stop) -> None:
        """Seal anew until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        while not stop.is_set():
            left = await self._look(stop)
            await stop.wait(_SOON_SECONDS if left else _LATER_SECONDS)

    async def _look(self, stop: Stop) -> int:
        """Look at every subscription once; answer how many an old key seals still."""
        behind: str | None = ""
        renewed = left = unreadable = 0
        while behind is not None:
            batch = await self._resealing.step(behind)
            behind = batch.last
            renewed, left, unreadable = renewed + batch.renewed, left + batch.left, unreadable + batch.unreadable
            if stop.is_set():
                return left
            await asyncio.sleep(0)
        SEALED_WITH_OLD_KEYS.set(left)
        UNREADABLE.set(unreadable)
        if renewed or left or unreadable:
            _log.info("sealed_anew", subscriptions=renewed, left=left, unreadable=unreadable)
        return left
