"""Forgetting runs: the history does not grow without bound.

Invariant: however many are old, no statement deletes more than a bounded number of rows.
"""

import asyncio
from datetime import timedelta

from calcom_sync.store import forgetting
from calcom_sync.store.forgetting import Before
from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import Database

IDLE_KEPT = timedelta(days=1)
"""For how long runs of webhooks are kept that told nothing: each webhook may make five of them."""
_SWEEP_SECONDS = 600.0
_SWEEP_ROWS = 1_000


class Forgetter:
    """Deletes runs that were over long ago.

    Args:
        database: where they are.
        clock: tells the time.
        kept: for how long they are kept.
        rows: how many rows one statement deletes at most.
    """

    def __init__(self, database: Database, clock: Clock, kept: timedelta, rows: int = _SWEEP_ROWS) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept
        self._rows = rows

    async def run(self, stop: Stop) -> None:
        """Forget until asked to stop."""
        while not await stop.wait(_SWEEP_SECONDS):
            done = 1
            while done and not stop.is_set():
                done = await self.step()
                await asyncio.sleep(0)

    async def step(self) -> int:
        """Forget some; tells how many rows were written, 0 when nothing is left."""
        now = self._clock()
        before = Before(idle=now - min(IDLE_KEPT, self._kept), any=now - self._kept)
        async with self._database.connection() as conn:
            return await forgetting.step(conn, before, self._rows)
