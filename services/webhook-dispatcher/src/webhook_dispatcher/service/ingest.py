"""Turning events into deliveries.

Invariant: an event and its deliveries are written in one transaction, with the number of them; what a worker may send
from memory is handed over only after the commit.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence

from chassis.clock import Clock
from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place, each_once
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.service.matching import Batch, Matching, Memory
from webhook_dispatcher.store import deliveries, events, taking, turns
from webhook_dispatcher.store.turns import Turn


class Ingest:
    """Matches events with subscriptions and gives each pair its delivery."""

    def __init__(self, directory: Directory, memory: Memory, clock: Clock) -> None:
        self._directory = directory
        self._memory = memory
        self._clock = clock

    def births(self, one: Arrival) -> int | None:
        """Tell how many deliveries an event will have, as far as is known before it is taken in; None if nothing is."""
        return len(self._wanting(one)) if self._directory.is_read else None

    async def take(self, conn: Connection, arrivals: Sequence[Arrival]) -> Callable[[], None] | None:
        """Write new events and their deliveries, and commit that; the answer, if any, is called then.

        Args:
            conn: outside any transaction.
            arrivals: what was read, of which some may have come before, and the same event more than once.
        """
        if conn.is_in_transaction():
            raise RuntimeError("events are taken in and committed, which nothing around it can be")
        new, places = each_once(arrivals), [one.place for one in arrivals]
        matching = self._match(new)
        if not matching.ordered:
            batch = Batch(self._memory, matching.pairs(new))
            born = await taking.take_in(
                conn, new, places, matching.counts, batch.births, version=matching.version, now=self._clock()
            )
            if born is not None:
                return functools.partial(batch.hand_over, born)
        async with conn.transaction():
            return await self._take_by_steps(conn, new, places)

    async def _take_by_steps(
        self, conn: Connection, new: Sequence[Arrival], places: Sequence[Place]
    ) -> Callable[[], None] | None:
        """Do the same where subscriptions have changed, order is kept, or records are missing or come again."""
        await self._directory.refresh(conn)
        matching = self._match(new)
        if matching.ordered:
            await turns.lock(conn, matching.ordered)
        pairs = matching.pairs(await taking.claim(conn, new, places, matching.counts))
        if not pairs:
            return None
        batch = Batch(self._memory, pairs, await self._in_turn(conn, pairs))
        born = await deliveries.insert(conn, batch.births, self._clock())
        return functools.partial(batch.hand_over, born)

    def _match(self, new: Sequence[Arrival]) -> Matching:
        return Matching(self._directory.version, {one.event_id: self._wanting(one) for one in new})

    def _wanting(self, one: Arrival) -> list[Subscription]:
        """Tell who wants an event; nobody is sent that they are sent nothing."""
        return [to for to in self._directory.wanting(one.org_id, one.type) if to.id != one.resource_id]

    async def _in_turn(self, conn: Connection, pairs: Sequence[tuple[Arrival, Subscription]]) -> Collection[str]:
        """Take deliveries into their resources' order where it is kept, and tell whose turn it is."""
        wanted = [
            Turn(delivery_id(one.event_id, to.id), to.id, one.resource_id, one.sequence)
            for one, to in pairs
            if to.keeps_order
        ]
        return await turns.join(conn, wanted) if wanted else ()

    async def set_aside(self, conn: Connection, places: Sequence[Place]) -> None:
        """Note records that are with the dead letters."""
        await events.note(conn, places)

    async def known(self, conn: Connection, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Tell the offsets behind the last records of some partitions, named by topic and number, that left a trace."""
        return await events.marks(conn, partitions)
