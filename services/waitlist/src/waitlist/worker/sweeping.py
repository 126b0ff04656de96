"""The sweep: every queue in which somebody waits is looked at again and again, whether or not anything was heard.

Invariant: whatever was missed, a queue with a live entry is due again within two rounds of the sweep.
"""

from datetime import timedelta

from chassis.lifecycle import Stop
from chassis.postgres import Database
from waitlist.store import sweep

BATCH = 500
_LOOK_SECONDS = 1.0


class Sweeper:
    """Marks all queues, some at a time.

    Args:
        database: where they are.
        seconds: how long a round is.
    """

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._every = timedelta(seconds=seconds)

    async def run(self, stop: Stop) -> None:
        """Sweep until asked to stop; of several processes one does.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        pause = min(_LOOK_SECONDS, self._every.total_seconds())
        goes_on = False
        while not await stop.wait(0 if goes_on else pause):
            goes_on = await self.step()

    async def step(self) -> bool:
        """Mark the next queues; tell whether there may be more in this round."""
        async with self._database.transaction() as conn:
            return await sweep.step(conn, BATCH, self._every)
