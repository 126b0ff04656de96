"""Releasing the bookings of organizations that have deleted their integration, whoever deleted it.

Invariant: it goes on as long as the process, a little at a time.
"""

from calcom_sync.service.releasing import Releasing
from chassis.lifecycle import Stop

_LOOK_SECONDS = 2.0


async def release(releasing: Releasing, stop: Stop) -> None:
    """Release what is to be, until asked to stop.

    Raises:
        OSError, asyncpg.PostgresError: when the database is away; run it again.
    """
    while not await stop.wait(_LOOK_SECONDS):
        while not stop.is_set() and await releasing.step():
            pass
