"""Turning events into deliveries.

Invariant: an event and its deliveries are written in one transaction, with the number of them; what a worker may send
from memory is handed over only after the commit.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.clock import Clock
from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place, each_once
from webhook_dispatcher.domain.delivery import Birth, DiscardReason, Job, Load
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

    def has_room(self, subscription_id: str, mine: Load, taken: Load) -> bool:
        """Tell whether it can take one more first attempt of a subscription into memory.

        Args:
            subscription_id: whose attempt.
            mine: what it is about to be given of the same subscription.
            taken: what it is about to be given of all.
        """

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

    def births(self, one: Arrival) -> int:
        """Tell how many deliveries an event will have, as far as is known before it is taken in."""
        return len(self._wanting(one))

    async def take(self, conn: Connection, arrivals: Sequence[Arrival]) -> Callable[[], None] | None:
        """Write new events and their deliveries, and commit that; the answer, if any, is called then."""
        matching = self._match(arrivals)
        if not matching.ordered:
            batch = self._batch(matching.pairs(each_once(arrivals)))
            new = await events.take_in(
                conn, arrivals, matching.counts, batch.births, directory=matching.version, now=self._clock()
            )
            if new is not None:
                return functools.partial(self._hand_over, batch, new)
        async with conn.transaction():
            return await self._take_by_steps(conn, arrivals)

    async def _take_by_steps(self, conn: Connection, arrivals: Sequence[Arrival]) -> Callable[[], None] | None:
        """Do the same where subscriptions have changed, order is kept, or records are missing or come again."""
        await self._directory.refresh(conn)
        matching = self._match(arrivals)
        if matching.ordered:
            await turns.lock(conn, matching.ordered)
        born = matching.pairs(await events.claim(conn, arrivals, matching.counts))
        if not born:
            return None
        batch = self._batch(born, await self._in_turn(conn, born))
        new = await deliveries.insert(conn, batch.births, self._clock())
        return functools.partial(self._hand_over, batch, new)

    def _match(self, arrivals: Sequence[Arrival]) -> "_Matching":
        return _Matching(self._directory.version, {one.event_id: self._wanting(one) for one in arrivals})

    def _batch(self, born: Iterable[tuple[Arrival, Subscription]], in_turn: Collection[str] = ()) -> "_Batch":
        batch = _Batch(self._memory, in_turn)
        for arrival, subscription in born:
            batch.add(arrival, subscription)
        return batch

    def _wanting(self, one: Arrival) -> list[Subscription]:
        """Tell who wants an event; nobody is sent that they are sent nothing."""
        return [to for to in self._directory.wanting(one.org_id, one.type) if to.id != one.resource_id]

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


@dataclass(frozen=True, slots=True)
class _Matching:
    """Who wants which event, by one version of the directory."""

    version: int
    wanting: Mapping[str, Sequence[Subscription]]

    @property
    def counts(self) -> dict[str, int]:
        return {event_id: len(subscriptions) for event_id, subscriptions in self.wanting.items()}

    @property
    def ordered(self) -> set[str]:
        return {to.id for some in self.wanting.values() for to in some if to.keeps_order}

    def pairs(self, arrivals: Iterable[Arrival]) -> list[tuple[Arrival, Subscription]]:
        return [(one, to) for one in arrivals for to in self.wanting[one.event_id]]


class _Batch:
    """The deliveries of one batch: leased as long as memory has room for them all, else left to wait.

    Where order is kept, those whose turn it is not wait too, for others and for no room.
    """

    def __init__(self, memory: Memory, in_turn: Collection[str]) -> None:
        self._memory = memory
        self._in_turn = in_turn
        self.grant = memory.grant()
        self._taken = Load()
        self._mine: defaultdict[str, Load] = defaultdict(Load)
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
            tail = _tail(arrival.record)
            self.jobs.append(Job(new_id, subscription.id, lease, 0, tail, is_ordered=is_ordered))
            self._taken.add(len(tail))
            self._mine[subscription.id].add(len(tail))

    def _lease_for(self, subscription_id: str) -> str | None:
        if self.grant is None or not self._memory.has_room(subscription_id, self._mine[subscription_id], self._taken):
            return None
        return self.grant.lease


@functools.lru_cache(maxsize=1)
def _tail(record: bytes) -> bytes:
    """Compose an event's tail once for all of its subscriptions, which come one after the other."""
    return compose_tail(record)
