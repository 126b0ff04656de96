"""Writing outcomes in batches.

Invariants: an outcome leaves memory only after it was written; while the database is away they are kept, up to a bound
beyond which no attempt is started. What an endpoint asks for is heeded only as long as its subscription leads there.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence

import structlog

from chassis.backoff import Backoff
from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Connection, Database
from chassis.unit import UnitOfWork
from webhook_dispatcher.domain.delivery import Outcome
from webhook_dispatcher.domain.subscription import DisabledReason
from webhook_dispatcher.service.disabling import Cause, disable
from webhook_dispatcher.store import outcomes, subscriptions, turns
from webhook_dispatcher.worker.metrics import UNWRITTEN

_log = structlog.get_logger(__name__)
_BATCH = 500
_KEPT = 5_000
_KEPT_BYTES = 32 * 1024 * 1024
_LINGER_SECONDS = 0.01


class OutcomeWriter:
    """Takes outcomes and writes them: at once when idle, else every 10 ms or 500 outcomes, whichever is first.

    Args:
        units: begins the transactions that disable subscriptions.
        database: where the deliveries are.
        clock: tells when subscriptions end, and when a delivery falls due whose subscription leads elsewhere by now.
        written: called with each batch after it was written, as it was.
    """

    def __init__(
        self, units: UnitOfWork, database: Database, clock: Clock, written: Callable[[Sequence[Outcome]], None]
    ) -> None:
        self._units = units
        self._database = database
        self._clock = clock
        self._written = written
        self._unwritten: list[Outcome] = []
        self._size = 0
        self._told = asyncio.Event()
        self._full = asyncio.Event()
        self._backoff = Backoff(cap=1.0)
        UNWRITTEN.set_function(lambda: len(self._unwritten))

    @property
    def is_full(self) -> bool:
        """Whether so many outcomes, or bytes of theirs, are unwritten that no attempt may start."""
        return len(self._unwritten) >= _KEPT or self._size >= _KEPT_BYTES

    def held(self, lease: str) -> set[str]:
        """Tell the ids of the deliveries, held under an identity, whose outcomes are unwritten."""
        return {one.job.id for one in self._unwritten if one.job.lease == lease}

    def put(self, outcome: Outcome) -> None:
        """Take an outcome; it is written soon."""
        self._unwritten.append(outcome)
        self._size += outcome.size
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
        """Write all that is there; never call it while it runs.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; nothing is lost, call again.
        """
        while batch := self._unwritten[:_BATCH]:
            written = await self._write(batch)
            del self._unwritten[: len(batch)]
            self._size -= sum(one.size for one in batch)
            self._written(written)
        self._told.clear()

    async def _write(self, batch: Sequence[Outcome]) -> Sequence[Outcome]:
        gone = {(one.job.subscription_id, one.gone) for one in batch if one.gone is not None}
        if not gone:
            await self._settle(batch)
            return batch
        async with self._units.begin() as unit:
            active = await subscriptions.lock_active(unit.conn, {subscription_id for subscription_id, _ in gone})
            ending = [one for one in active if (one.id, one.url) in gone]
            await disable(unit, ending, Cause(DisabledReason.GONE), self._clock())
            moved = {one.id for one in active}.difference(one.id for one in ending)
            batch = [self._heeding(one, moved) for one in batch]
            await self._settle_in_order(unit.conn, batch)
        _log.warning("endpoints_gone", disabled=[one.id for one in ending], moved=sorted(moved))
        return batch

    async def _settle(self, batch: Sequence[Outcome]) -> None:
        if any(one.passes_turn for one in batch):
            async with self._database.transaction() as conn:
                await self._settle_in_order(conn, batch)
        else:
            async with self._database.connection() as conn:
                await outcomes.settle(conn, batch)

    async def _settle_in_order(self, conn: Connection, batch: Sequence[Outcome]) -> None:
        """Settle in a transaction, and let those go on that waited for what has ended."""
        passing = [one.job for one in batch if one.passes_turn]
        if passing:
            await turns.lock(conn, {job.subscription_id for job in passing})
        await outcomes.settle(conn, batch)
        if passing:
            await turns.pass_on(conn, [job.id for job in passing], self._clock())

    def _heeding(self, one: Outcome, moved: Collection[str]) -> Outcome:
        if one.gone is not None and one.job.subscription_id in moved:
            return one.elsewhere(self._clock())
        return one

    async def _linger(self, seconds: float) -> None:
        """Let outcomes gather, unless a whole batch is there."""
        if seconds > 0:
            self._full.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._full.wait()
            except TimeoutError:
                pass
