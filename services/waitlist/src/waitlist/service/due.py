"""Use cases on due queues: who is to be matched, and why.

Invariants: told twice, it is as told once; nothing is made but marks, behind the word that what was let pass may be
offered once more, so that telling never waits for a match. Who matches in this process is woken when a mark was
committed here.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from chassis.clock import Clock
from chassis.postgres import Connection, Database
from slotwire_contracts import AnyEvent
from waitlist.domain.freeing import Freed, FreedLocation, freed
from waitlist.service.reopening import reopen
from waitlist.store import offers, queues, reopening

BATCH = 200


class Due:
    """Marks queues."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._wakes: list[Callable[[], None]] = []

    def waking(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when queues may be due."""
        self._wakes.append(wake)

    def wake(self) -> None:
        """Tell that queues may be due; cheap, and never blocks."""
        for wake in self._wakes:
            wake()

    async def mark(self, conn: Connection, org_id: str, queue: str, _now: datetime) -> None:
        """Have a queue matched, in the caller's transaction; the time of marks is the database's."""
        await queues.mark(conn, org_id, queue)

    async def hear(self, event: AnyEvent) -> None:
        """Have the queues matched for which an event may have freed something, where somebody waits.

        Raises:
            OSError, asyncpg.PostgresError: the database is away.
        """
        found = freed(event)
        if found is None:
            return
        names = await self._reopened(event.orgid, found)
        async with self._database.connection() as conn:
            marked = await queues.mark_live(conn, event.orgid, names)
        if marked:
            self.wake()

    async def _reopened(self, org_id: str, found: Freed) -> Collection[str]:
        """Let what was let pass there be offered once more, unless only an offer's own hold has ended."""
        async with self._database.connection() as conn:
            if isinstance(found, FreedLocation):
                names: Collection[str] = await queues.of_location(conn, org_id, found.location_id)
                spans, ours = None, False
            else:
                names, spans = found.queues, found.spans
                ours = found.hold_id is not None and await reopening.is_ours(conn, org_id, names, found.hold_id)
        if not ours:
            await reopen(self._database, org_id, names, spans)
        return names

    async def resume(self) -> None:
        """Have the queues matched in which something is to go on: offers past their deadline, what was begun and left.

        Raises:
            OSError, asyncpg.PostgresError: the database is away.
        """
        async with self._database.connection() as conn:
            found = await offers.queues_to_resume(conn, self._clock(), BATCH)
            for org_id, queue in found:
                await queues.mark(conn, org_id, queue)
        if found:
            self.wake()
