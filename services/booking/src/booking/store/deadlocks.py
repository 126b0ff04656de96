"""Changes that got in each other's way.

Two moves that want each other's places wait for each other; the database ends one of them, and nothing of it is left.
Trying it again from its beginning is always right.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")

_TRIES = 5
_PAUSE_SECONDS = 0.05


async def retrying(work: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction, again when the database chose it to end a deadlock.

    Raises:
        asyncpg.DeadlockDetectedError: it was chosen every time.
    """
    for attempt in range(1, _TRIES):
        try:
            return await work()
        except asyncpg.DeadlockDetectedError:
            await asyncio.sleep(attempt * _PAUSE_SECONDS * random.random())  # noqa: S311 - jitter, not a secret
    return await work()
