"""Use cases on due queues: who is to be matched, and why.

Invariants: told twice, it is as told once; nothing is made but marks, behind the word that what was let pass may be
offered once more. Telling asks booking nothing, and waits for no more of a match than the one transaction that has the
queue. Who matches in this process is woken when a mark was committed here.
"""

from collections.abc import Callable, Sequence

from chassis.clock import Clock
from chassis.postgres import Database
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

    async def hear(self, event: AnyEvent) -> None:
        """Have the queues matched for which an event may have freed something, where somebody waits.

        Raises:
            OSError, asyncpg.PostgresError: the database is away.
        """
        found = freed(event)
        if found is None:
            return
        waited_in = await self._waited_in(event.orgid, found)
        if waited_in and await self._mark(event.orgid, found, waited_in):
            self.wake()

    async def _waited_in(self, org_id: str, found: Freed) -> Sequence[str]:
        async with self._database.connection() as conn:
            if isinstance(found, FreedLocation):
                return await queues.of_location(conn, org_id, found.location_id)
            return await queues.waited_in(conn, org_id, found.queues)

    async def _mark(self, org_id: str, found: Freed, names: Sequence[str]) -> bool:
        """Have queues looked at; tell whether any was not due before.

        What was let pass there may be offered once more, unless only an offer's own hold has ended.
        """
        spans, hold_id = (None, None) if isinstance(found, FreedLocation) else (found.spans, found.hold_id)
        async with self._database.connection() as conn:
            ours = hold_id is not None and await reopening.is_ours(conn, org_id, hold_id)
        if not ours:
            await reopen(self._database, org_id, names, spans)
        async with self._database.connection() as conn:
            return await queues.mark_live(conn, org_id, names)

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
