"""Turning events into deliveries.

Invariant: an event and its deliveries are written in one transaction, with the number of them; what a worker may send
from memory is handed over only after the commit.
"""

import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from chassis.clock import Clock
from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.delivery import Birth, DiscardReason, Job
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.lease import Grant
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.composition import compose_tail
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.store import deliveries, events, turns
from webhook_dispatcher.store.turns import Turn


class Memory(Protocol):
    """The worker of this process, as far as new deliveries go."""

    def grant(self) -> Grant | None:
        """Give leave to lease new deliveries to it; None while it takes none."""

    def room(self, subscription_id: str) -> int:
        """Tell how many first attempts of a subscription it can take into memory."""

    def offer(self, grant: Grant, jobs: Sequence[Job]) -> None:
        """Take deliveries that were leased to it with leave."""

    def spilled(self, subscription_ids: Collection[str]) -> None:
        """Learn that deliveries of these subscriptions wait in the database."""


class Ingest:
    """Matches events with subscriptions and gives each pair its delivery."""

    def __init__(self, directory: Directory, memory: Memory, clock: Clock) -> None:
        self._directory = directory
        self._memory = memory
        self._clock = clock

    async def take(self, conn: Connection, arrivals: Sequence[Arrival]) -> Callable[[], None] | None:
        """Write new events and their deliveries; the answer, if any, is called after the commit."""
        await self._directory.refresh(conn)
        wanting = {one.event_id: self._wanting(one) for one in arrivals}
        matched = {event_id: len(subscriptions) for event_id, subscriptions in wanting.items()}
        await self._lock_turns(conn, wanting.values())
        born = [(one, to) for one in await events.claim(conn, arrivals, matched) for to in wanting[one.event_id]]
        if not born:
            return None
        batch = _Batch(self._memory, await self._in_turn(conn, born))
        for arrival, subscription in born:
            batch.add(arrival, subscription)
        new = await deliveries.insert(conn, batch.births, self._clock())
        return functools.partial(self._hand_over, batch, new)

    def _wanting(self, one: Arrival) -> list[Subscription]:
        """Tell who wants an event; nobody is sent that they are sent nothing."""
        return [to for to in self._directory.wanting(one.org_id, one.type) if to.id != one.resource_id]

    async def _lock_turns(self, conn: Connection, wanting: Iterable[Sequence[Subscription]]) -> None:
        ordered = {to.id for some in wanting for to in some if to.keeps_order}
        if ordered:
            await turns.lock(conn, ordered)

    async def _in_turn(self, conn: Connection, born: Sequence[tuple[Arrival, Subscription]]) -> Collection[str]:
        """Take deliveries into their resources' order where it is kept, and tell whose turn it is."""
        wanted = [
            Turn(delivery_id(one.event_id, to.id), to.id, one.resource_id, one.sequence)
            for one, to in born
            if to.keeps_order
        ]
        return await turns.join(conn, wanted) if wanted else ()

    async def set_aside(self, conn: Connection, places: Sequence[Place]) -> None:
        """Note records that are with the dead letters."""
        await events.note(conn, places)

    def _hand_over(self, batch: "_Batch", new: Collection[str]) -> None:
        if batch.grant is not None:
            self._memory.offer(batch.grant, [job for job in batch.jobs if job.id in new])
        if batch.spilled:
            self._memory.spilled(batch.spilled)


class _Batch:
    """The deliveries of one batch: leased as long as memory has room for their subscription, else left to wait.

    Where order is kept, those whose turn it is not wait too, for others and for no room.
    """

    def __init__(self, memory: Memory, in_turn: Collection[str]) -> None:
        self._memory = memory
        self._in_turn = in_turn
        self.grant = memory.grant()
        self._taken: Counter[str] = Counter()
        self.births: list[Birth] = []
        self.jobs: list[Job] = []
        self.spilled: set[str] = set()

    def add(self, arrival: Arrival, subscription: Subscription) -> None:
        new_id = delivery_id(arrival.event_id, subscription.id)
        awaits_turn = new_id not in self._in_turn if subscription.keeps_order else None
        birth = functools.partial(
            Birth, new_id, arrival.event_id, subscription.id, arrival.org_id, arrival.type, awaits_turn=awaits_turn
        )
        if not subscription.is_active:
            self.births.append(birth(reason=DiscardReason.DISABLED))
        elif awaits_turn:
            self.births.append(birth())
        elif (lease := self._lease_for(subscription.id)) is None:
            self.births.append(birth())
            self.spilled.add(subscription.id)
        else:
            self.births.append(birth(lease))
            is_ordered = awaits_turn is not None
            self.jobs.append(Job(new_id, subscription.id, lease, 0, _tail(arrival.record), is_ordered=is_ordered))

    def _lease_for(self, subscription_id: str) -> str | None:
        if self.grant is None or self._taken[subscription_id] >= self._memory.room(subscription_id):
            return None
        self._taken[subscription_id] += 1
        return self.grant.lease


@functools.lru_cache(maxsize=1)
def _tail(record: bytes) -> bytes:
    """Compose an event's tail once for all of its subscriptions, which come one after the other."""
    return compose_tail(record)
