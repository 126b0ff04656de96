"""The number that operators watch: what was taken in and is nowhere.

Invariant: watching takes a small part of the database's time, however much is kept: one day is looked at at a time, and
the pause after it is many times as long as the look.
"""

import asyncio

from chassis.lifecycle import Stop
from webhook_dispatcher.service.ledger import Accounting
from webhook_dispatcher.worker.metrics import UNACCOUNTED

_PAUSES = 20  # as long as a look, at least
_PAUSE_SECONDS = 10.0


class Watcher:
    """Looks at one day after the other, and tells the number."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    async def run(self, stop: Stop) -> None:
        """Look until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        now = asyncio.get_running_loop().time
        while not stop.is_set():
            began = now()
            seen = await self._accounting.look()
            UNACCOUNTED.set(seen.unaccounted)
            pause = (now() - began) * _PAUSES
            await stop.wait(max(pause, _PAUSE_SECONDS) if seen.is_whole else pause)
