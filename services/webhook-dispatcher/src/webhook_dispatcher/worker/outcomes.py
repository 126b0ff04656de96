"""Writing outcomes in batches.

Invariant: an outcome leaves memory only after it was written; while the database is away they are kept, up to a bound
beyond which no attempt is started.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog

from chassis.backoff import Backoff
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Database
from webhook_dispatcher.domain.delivery import DiscardReason, Outcome
from webhook_dispatcher.domain.subscription import DisabledReason
from webhook_dispatcher.store import deliveries, outcomes, subscriptions
from webhook_dispatcher.worker.metrics import UNWRITTEN

_log = structlog.get_logger(__name__)
_BATCH = 500
_KEPT = 5_000
_LINGER_SECONDS = 0.01


class OutcomeWriter:
    """Takes outcomes and writes them: at once when idle, else every 10 ms or 500 outcomes, whichever is first.

    Args:
        database: where the deliveries are.
        written: called with each batch after it was written.
    """

    def __init__(self, database: Database, written: Callable[[Sequence[Outcome]], None]) -> None:
        self._database = database
        self._written = written
        self._unwritten: list[Outcome] = []
        self._told = asyncio.Event()
        self._full = asyncio.Event()
        self._backoff = Backoff(cap=1.0)
        UNWRITTEN.set_function(lambda: len(self._unwritten))

    @property
    def is_full(self) -> bool:
        """Whether so many outcomes are unwritten that no attempt may start."""
        return len(self._unwritten) >= _KEPT

    def put(self, outcome: Outcome) -> None:
        """Take an outcome; it is written soon."""
        self._unwritten.append(outcome)
        self._told.set()
        if len(self._unwritten) >= _BATCH:
            self._full.set()

    async def run(self, stop: Stop) -> None:
        """Write until asked to stop; what is left then is for `flush`."""
        stop.waking(self._told.set)
        stop.waking(self._full.set)
        clock = asyncio.get_running_loop()
        failures = 0
        while not stop.is_set():
            await self._told.wait()
            began = clock.time()
            try:
                await self.flush()
                failures = 0
            except TRANSIENT as error:
                failures += 1
                _log.warning("outcomes_wait", outcomes=len(self._unwritten), error=repr(error))
                await stop.wait(self._backoff.delay(failures, random.random()))  # noqa: S311 - jitter, not a secret
            await self._linger(began + _LINGER_SECONDS - clock.time())

    async def flush(self) -> None:
        """Write all that is there.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; nothing is lost, call again.
        """
        while batch := self._unwritten[:_BATCH]:
            await self._write(batch)
            del self._unwritten[: len(batch)]
            self._written(batch)
        self._told.clear()

    async def _write(self, batch: Sequence[Outcome]) -> None:
        gone = sorted({one.job.subscription_id for one in batch if one.gone})
        if not gone:
            async with self._database.connection() as conn:
                await outcomes.settle(conn, batch)
            return
        async with self._database.transaction() as conn:
            await subscriptions.disable(conn, gone, DisabledReason.GONE)
            await outcomes.settle(conn, batch)
            await deliveries.discard(conn, gone, DiscardReason.DISABLED)
        _log.warning("subscriptions_gone", subscriptions=gone)

    async def _linger(self, seconds: float) -> None:
        """Let outcomes gather, unless a whole batch is there."""
        if seconds > 0:
            self._full.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._full.wait()
            except TimeoutError:
                pass
