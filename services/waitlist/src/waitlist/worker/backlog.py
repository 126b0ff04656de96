"""How much is owed, for operators.

Invariant: it is measured whoever works and whether or not anybody does.
"""

from chassis.lifecycle import Stop
from chassis.postgres import Database
from waitlist.store import queues
from waitlist.worker.metrics import DUE, OLDEST

_LOOK_SECONDS = 5.0


async def watch(database: Database, stop: Stop) -> None:
    """Measure until asked to stop.

    Raises:
        OSError, asyncpg.PostgresError: when the database is away; run it again.
    """
    while not await stop.wait(_LOOK_SECONDS):
        async with database.connection() as conn:
            backlog = await queues.backlog(conn)
        DUE.set(backlog.due)
        OLDEST.set(backlog.oldest_seconds)
