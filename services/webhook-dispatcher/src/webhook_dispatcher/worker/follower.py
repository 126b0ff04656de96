"""Keeping the directory of subscriptions up to date.

Invariant: a change is caught up with when it is announced, and after a few seconds where the announcement was lost.
"""

import asyncio
import contextlib

from chassis.lifecycle import Stop
from chassis.postgres import Database
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.store.subscriptions import CHANNEL

_POLL_SECONDS = 5.0


class Follower:
    """Catches up whenever a change is announced."""

    def __init__(self, directory: Directory, database: Database) -> None:
        self._directory = directory
        self._database = database

    async def run(self, stop: Stop) -> None:
        """Follow until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        told = asyncio.Event()
        stop.waking(told.set)
        async with self._database.dedicated() as connection:
            await connection.add_listener(CHANNEL, lambda *_: told.set())
            while not stop.is_set():
                told.clear()
                await self._directory.refresh(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await told.wait()
