"""Leaving an old key for secrets at rest behind: what it sealed is sealed anew, some subscriptions at a time.

Invariant: a step is one bounded transaction that waits for nobody.
"""

from chassis.crypto import Sealer
from chassis.postgres import Database
from webhook_dispatcher.store.resealing import Batch, seal_anew
from webhook_dispatcher.store.sealed import Sealed

_ROWS = 100


class Resealing:
    """Seals subscriptions anew."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealed = Sealed(sealer)

    async def step(self, behind: str) -> Batch:
        """Look at the next subscriptions behind one, and tell what became of them."""
        async with self._database.transaction() as conn:
            return await seal_anew(conn, self._sealed, behind, _ROWS)
