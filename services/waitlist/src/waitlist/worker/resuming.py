"""Looking for what is to go on: offers whose deadline has passed, and what was begun by a process that is gone.

Invariant: it is marked, and matched as any other queue is; nothing is done about it here.
"""

from chassis.lifecycle import Stop
from waitlist.service.due import Due

_LOOK_SECONDS = 0.5


async def resume(due: Due, stop: Stop) -> None:
    """Look until asked to stop.

    Raises:
        OSError, asyncpg.PostgresError: when the database is away; run it again.
    """
    while not await stop.wait(_LOOK_SECONDS):
        await due.resume()
