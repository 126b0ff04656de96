"""Turning events into deliveries.

Invariant: an event and its deliveries are written in one transaction, with the number of them; what a worker may send
from memory is handed over only after the commit.
"""

import functools
from collections import Counter
from collections.abc import Callable, Collection, Sequence
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
from webhook_dispatcher.store import deliveries, events


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
        batch = _Batch(self._memory)
        for arrival in await events.claim(conn, arrivals, matched):
            for subscription in wanting[arrival.event_id]:
                batch.add(arrival, subscription)
        if not batch.births:
            return None
        new = await deliveries.insert(conn, batch.births, self._clock())
        return functools.partial(self._hand_over, batch, new)

    def _wanting(self, one: Arrival) -> list[Subscription]:
        """Tell who wants an event; nobody is sent that they are sent nothing."""
        return [to for to in self._directory.wanting(one.org_id, one.type) if to.id != one.resource_id]

    async def set_aside(self, conn: Connection, places: Sequence[Place]) -> None:
        """Note records that are with the dead letters."""
        await events.note(conn, places)

    def _hand_over(self, batch: "_Batch", new: Collection[str]) -> None:
        if batch.grant is not None:
            self._memory.offer(batch.grant, [job for job in batch.jobs if job.id in new])
        if batch.spilled:
            self._memory.spilled(batch.spilled)


class _Batch:
    """The deliveries of one batch: leased as long as memory has room for their subscription, else left to wait."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.grant = memory.grant()
        self._taken: Counter[str] = Counter()
        self.births: list[Birth] = []
        self.jobs: list[Job] = []
        self.spilled: set[str] = set()

    def add(self, arrival: Arrival, subscription: Subscription) -> None:
        birth = functools.partial(
            Birth,
            delivery_id(arrival.event_id, subscription.id),
            arrival.event_id,
            subscription.id,
            arrival.org_id,
            arrival.type,
        )
        if not subscription.is_active:
            self.births.append(birth(reason=DiscardReason.DISABLED))
        elif (lease := self._lease_for(subscription.id)) is None:
            self.births.append(birth())
            self.spilled.add(subscription.id)
        else:
            born = birth(lease)
            self.births.append(born)
            self.jobs.append(Job(born.id, subscription.id, lease, 0, _tail(arrival.record)))

    def _lease_for(self, subscription_id: str) -> str | None:
        if self.grant is None or self._taken[subscription_id] >= self._memory.room(subscription_id):
            return None
        self._taken[subscription_id] += 1
        return self.grant.lease


@functools.lru_cache(maxsize=1)
def _tail(record: bytes) -> bytes:
    """Compose an event's tail once for all of its subscriptions, which come one after the other."""
    return compose_tail(record)
