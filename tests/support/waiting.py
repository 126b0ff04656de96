"""Waiting for what another part brings about, within the test's own time limit."""

import asyncio
from collections.abc import Awaitable, Callable

from chassis.postgres import Database

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, _GROWTH = 0.01, 0.1, 1.3


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Wait until something holds that then stays so; what holds for less than a tenth of a second may be missed.

    What takes long is asked less often, as asking slows what is waited for.

    Raises:
        TimeoutError: when it does not within so many seconds.
    """
    pause = _FIRST_PAUSE_SECONDS
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)


async def all_told(db: Database, *, within: float = 60.0) -> None:
    """Wait until a service's outbox is empty: until every event of which its database knows is published or set aside.

    Raises:
        TimeoutError: when it has not within so many seconds.
    """

    async def is_empty() -> bool:
        async with db.connection() as conn:
            return not await conn.fetchval("SELECT EXISTS (SELECT FROM outbox)")

    await eventually(is_empty, within=within)


async def all_ended(db: Database) -> None:
    """Wait until every transaction that runs now on the server, the relay's among them, has ended."""
    async with db.connection() as conn:
        begun = await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")

        async def ended() -> bool:
            return bool(
                await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1", begun)
            )

        await eventually(ended)
