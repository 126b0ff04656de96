"""Leaving an old key for secrets at rest behind: what it sealed is sealed anew, in the background.

Invariant: `slotwire_webhook_sealed_with_old_keys` is 0 only after a whole look at the subscriptions found none that an
old key sealed, and is no number before the first look.
"""

import asyncio
import math

import structlog
from prometheus_client import Gauge

from chassis.crypto import Sealer
from chassis.lifecycle import Stop
from chassis.postgres import Database
from webhook_dispatcher.store.resealing import seal_anew
from webhook_dispatcher.store.sealed import Sealed

_log = structlog.get_logger(__name__)
_ROWS = 100
_SOON_SECONDS = 10.0  # while a change of a subscription was in the way
_LATER_SECONDS = 600.0  # another process may seal with an old key until it is replaced
_OLD = Gauge("slotwire_webhook_sealed_with_old_keys", "Subscriptions that an old key for secrets at rest sealed.")
_UNREADABLE = Gauge("slotwire_webhook_unreadable", "Subscriptions that no key for secrets at rest opens.")


class Resealing:
    """Looks through all subscriptions, and again."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealed = Sealed(sealer)
        _OLD.set(math.nan)
        _UNREADABLE.set(math.nan)

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
            async with self._database.transaction() as conn:
                batch = await seal_anew(conn, self._sealed, behind, _ROWS)
            behind = batch.last
            renewed, left, unreadable = renewed + batch.renewed, left + batch.left, unreadable + batch.unreadable
            if stop.is_set():
                return left
            await asyncio.sleep(0)
        _OLD.set(left)
        _UNREADABLE.set(unreadable)
        if renewed or left or unreadable:
            _log.info("sealed_anew", subscriptions=renewed, left=left, unreadable=unreadable)
        return left
