"""Deliveries that are leased to this worker and that it knows nothing of.

They come about where a transaction that leases deliveries is committed and its answer is lost, or comes too late. The
worker's heartbeat keeps their lease good, so nobody else would ever free them.

Invariant: nothing is let go that this worker may still send. A delivery is let go if it was found twice under one
lease and not in memory, the second time when leave that was given before the first has ended: the transaction that
leased it had begun before it could be found, and after that time nothing is taken into memory from it.
"""

from collections.abc import Callable, Collection

import structlog

from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Database
from webhook_dispatcher.store import workers
from webhook_dispatcher.store.workers import Held
from webhook_dispatcher.worker.lease import Lease

_log = structlog.get_logger(__name__)


class Strays:
    """Looks for them as often as leave to lease deliveries ends.

    Args:
        database: where the deliveries are.
        lease: what they are held under.
        in_memory: tells the ids of the deliveries that the worker holds in memory under an identity.
        freed: called when some were let go, so that they can be claimed.
    """

    def __init__(
        self, database: Database, lease: Lease, in_memory: Callable[[str], Collection[str]], freed: Callable[[], None]
    ) -> None:
        self._database = database
        self._lease = lease
        self._in_memory = in_memory
        self._freed = freed
        self._ends: dict[Held, float] = {}  # when leave that was given before each was found has ended

    async def run(self, stop: Stop) -> None:
        """Look until asked to stop."""
        while not await stop.wait(self._lease.leave_seconds):
            try:
                await self._look()
            except TRANSIENT as error:
                _log.warning("strays_unseen", error=repr(error))

    async def _look(self) -> None:
        if self._lease.id is None:
            return
        async with self._database.connection() as conn:
            strays = self._lost(await workers.held(conn, self._lease.id))
            if strays:
                await workers.let_go(conn, strays)
                _log.warning("strays_let_go", deliveries=len(strays))
                self._freed()

    def _lost(self, held: Collection[Held]) -> set[Held]:
        """Tell which were found before, long enough ago, and remember the others that are not in memory."""
        known = {lease: self._in_memory(lease) for lease in {one.lease for one in held}}
        now, ends = self._lease.now(), self._lease.leave_ends()
        found = {one: self._ends.get(one, ends) for one in held if one.id not in known[one.lease]}
        lost = {one for one, end in found.items() if end <= now}
        self._ends = {one: end for one, end in found.items() if one not in lost}
        return lost
