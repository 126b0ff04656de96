"""Changes that got in each other's way.

Invariant: a change that lost is done again from its beginning, as nothing of the lost try remains. Two moves that want
each other's places wait for each other, and the database ends one of them; or another took, between the look and the
write, what was free.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from booking.domain.errors import SlotUnavailableError
from chassis.postgres import Connection

T = TypeVar("T")

_TRIES = 20
_PAUSE_SECONDS = 0.05
_DEADLOCKS = 5


class OvertakenError(Exception):
    """Another change did, between the look and the write, what this one was to do: a look from the beginning tells."""


async def retrying(work: Callable[[int], Awaitable[T]]) -> T:
    """Do a whole change, again when it lost to another one.

    Args:
        work: the change; it is told the number of the try, from 1 on.

    Raises:
        asyncpg.DeadlockDetectedError: it was chosen to end a deadlock five times.
        SlotUnavailableError: another was quicker every time.
    """
    deadlocks = 0
    for attempt in range(1, _TRIES + 1):
        try:
            return await work(attempt)
        except (asyncpg.ExclusionViolationError, OvertakenError):
            continue
        except asyncpg.DeadlockDetectedError:
            deadlocks += 1
            if deadlocks == _DEADLOCKS:
                raise
            await asyncio.sleep(deadlocks * _PAUSE_SECONDS * random.random())  # noqa: S311 - jitter, not a secret
    raise SlotUnavailableError("others keep taking that time", param="start_time")


async def unless_lost(conn: Connection, work: Callable[[], Awaitable[T]]) -> T | None:
    """Do a part of a transaction, or nothing of it where another took meanwhile what it claims: then answer None."""
    try:
        async with conn.transaction():
            return await work()
    except asyncpg.ExclusionViolationError:
        return None
