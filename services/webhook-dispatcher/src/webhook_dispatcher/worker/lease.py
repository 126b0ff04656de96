"""A worker's lease: one heartbeat for all that it holds.

Invariant: others can claim what a worker holds once its heartbeat is older than the longest attempt plus a margin; a
worker starts no attempt that could still run then. A worker whose lease is lost takes a new identity and has nothing.
What it leases in a transaction is its own only if the identity is the same after the commit, and leave has not ended.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog

from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Connection, Database
from webhook_dispatcher.domain.lease import Grant
from webhook_dispatcher.store import workers

_log = structlog.get_logger(__name__)
_RELEASED_AT_ONCE = 1_000
_BEATS = 5  # heartbeats in a margin


class Lease:
    """The identity under which a worker holds deliveries, and whether it may still send them.

    Args:
        database: where heartbeats are written.
        longest: seconds that one attempt takes at most.
        margin: seconds for which no heartbeat need succeed; leave to lease deliveries is good for as long.
        lost: called when all that was held is gone.
        resumed: called when sending may go on.
        timer: tells seconds that never run backwards.
        new_id: makes an id with a prefix.
    """

    def __init__(
        self,
        database: Database,
        *,
        longest: float,
        margin: float,
        lost: Callable[[], None],
        resumed: Callable[[], None],
        timer: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self._database = database
        self._terms = timedelta(seconds=longest + margin)
        self.leave_seconds = margin
        self._lost = lost
        self._resumed = resumed
        self._timer = timer
        self._new_id = new_id
        self._good_until = 0.0
        self.id: str | None = None

    def may_send(self) -> bool:
        """Tell whether an attempt that starts now ends before others can claim its delivery."""
        return self.now() < self._good_until

    def now(self) -> float:
        """Tell the time by which leave ends, in seconds."""
        return self._timer()

    def leave_ends(self) -> float:
        """Tell when leave that is given now will have ended."""
        return self.now() + self.leave_seconds

    def grant(self) -> Grant | None:
        """Give leave to lease deliveries; None while nothing may be sent."""
        return Grant(self.id, self.leave_ends()) if self.id is not None and self.may_send() else None

    def honours(self, grant: Grant) -> bool:
        """Tell whether what was leased with this leave is the worker's now.

        A heartbeat that is merely late changes nothing about that: what may not be sent yet waits in memory.
        """
        return grant.lease == self.id and self.now() < grant.until

    async def run(self, stop: Stop) -> None:
        """Keep the heartbeat fresh and free what dead workers held, until asked to stop."""
        while not stop.is_set():
            try:
                await self.renew()
                await self._free_others()
            except TRANSIENT as error:
                _log.warning("heartbeat_failed", worker=self.id, error=repr(error))
            await stop.wait(self.leave_seconds / _BEATS)

    async def renew(self) -> None:
        """Renew the heartbeat, or begin anew where the old one came too late.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away.
        """
        asked = self.now()
        async with self._database.connection() as conn:
            if self.id is None or not await workers.renew(conn, self.id, self._terms):
                await self._begin_anew(conn)
        # Counted from before the question, and a beat less than the margin: the two clocks need not agree.
        self._good_until = asked + self.leave_seconds * (_BEATS - 1) / _BEATS
        self._resumed()

    async def give_up(self) -> None:
        """Free all that is held.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; the lease then runs out by itself.
        """
        held, self.id, self._good_until = self.id, None, 0.0
        if held is not None:
            async with self._database.connection() as conn:
                await workers.forget(conn, held)
            await self._free_others()

    async def _begin_anew(self, conn: Connection) -> None:
        if self.id is not None:
            _log.warning("lease_lost", worker=self.id)
            self._lost()
        self.id = None
        fresh = self._new_id("wrk")
        await workers.register(conn, fresh)
        self.id = fresh

    async def _free_others(self) -> None:
        async with self._database.connection() as conn:
            await workers.bury(conn, self._terms)
            while freed := await workers.release(conn, _RELEASED_AT_ONCE):
                _log.info("leases_freed", deliveries=freed)
                self._resumed()
