"""Waiting for what another part brings about, within the test's own time limit."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: when it does not within so many seconds.
    """
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)
