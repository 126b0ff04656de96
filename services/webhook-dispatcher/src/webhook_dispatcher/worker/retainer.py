"""Making and dropping days in the background, and what is left of deleted subscriptions.

Invariant: a day is made before anything happens on it, and one that is too old is looked at every minute until it is
dropped.
"""

from chassis.lifecycle import Stop
from webhook_dispatcher.service.retention import Retention

_LOOK_SECONDS = 60.0


class Retainer:
    """Looks every minute what is to be made and dropped."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    async def run(self, stop: Stop) -> None:
        """Look until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        while not stop.is_set():
            await self._retention.make_ahead()
            await self._retention.drop_old()
            await self._retention.forget_deleted()
            await stop.wait(_LOOK_SECONDS)
