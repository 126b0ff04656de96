"""Use case on waiting that is over: its time has passed, or what was waited for does not take place.

Invariant: booking is asked before a transaction begins and never inside; whose waiting is over is decided under the
entry's lock.
"""

from collections.abc import Sequence
from functools import partial

from chassis.clock import Clock
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from waitlist.domain.actors import Actor
from waitlist.domain.closing import closed, over
from waitlist.domain.entry import Entry
from waitlist.domain.joining import Told
from waitlist.domain.policy import Policy
from waitlist.service.ids import Ids
from waitlist.service.origin import Origin
from waitlist.service.policies import policy_for
from waitlist.service.recording import Recording
from waitlist.service.telling import Telling
from waitlist.store import entries

BATCH = 100


class Closing:
    """Ends the waiting that is over in a queue."""

    def __init__(self, units: UnitOfWork, database: Database, telling: Telling, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._database = database
        self._telling = telling
        self._clock = clock
        self._new_request_id = partial(ids.new, "req")
        self._recording = Recording(ids)

    async def close(self, org_id: str, queue: str) -> None:
        """Look through a queue, some entries at a time.

        Raises:
            UnavailableError: booking does not answer.
            OSError, asyncpg.PostgresError: the database is away.
        """
        some = await self._following(org_id, queue, None)
        if not some:
            return
        told = await self._telling.of_place(some[0])
        origin = Origin(self._new_request_id())
        while some:
            await self._close(org_id, some, told, origin)
            some = await self._following(org_id, queue, some[-1]) if len(some) == BATCH else []

    async def _following(self, org_id: str, queue: str, last: Entry | None) -> Sequence[Entry]:
        async with self._database.connection() as conn:
            return await entries.in_turn(conn, org_id, queue, after=last, at_most=BATCH)

    async def _close(self, org_id: str, some: Sequence[Entry], told: Told, origin: Origin) -> None:
        async with self._database.connection() as conn:
            policy = await policy_for(conn, org_id, told)
        ids = [entry.id for entry in some if over(entry, told, policy, now=self._clock())]
        if ids:
            await self._write(org_id, ids, told, policy, origin)

    async def _write(self, org_id: str, ids: Sequence[str], told: Told, policy: Policy, origin: Origin) -> None:
        system = Actor(org_id, "system")
        async with self._units.begin() as unit:
            for entry in await entries.lock_free(unit.conn, org_id, ids):
                now = self._clock()
                why = over(entry, told, policy, now=now)
                if why is not None:
                    await self._recording.write(unit, why, closed(entry, why), system, origin, now=now)
