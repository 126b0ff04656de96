"""Who wants which events, and what the deliveries that follow from that are like when they come to be.

Invariant: a delivery is leased only with leave that was given before, and only as long as the worker has room for it.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from webhook_dispatcher.domain.arrival import Arrival
from webhook_dispatcher.domain.delivery import Birth, DiscardReason, Job, Load
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.lease import Grant
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.composition import Composition, compose
from webhook_dispatcher.service.metrics import DELIVERIES


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


@dataclass(frozen=True, slots=True)
class Matching:
    """Who wants which event, by one version of the directory."""

    version: int
    wanting: Mapping[str, Sequence[Subscription]]

    @property
    def counts(self) -> dict[str, int]:
        """How many want each event."""
        return {event_id: len(subscriptions) for event_id, subscriptions in self.wanting.items()}

    @property
    def ordered(self) -> set[str]:
        """The subscriptions whose deliveries are kept in their resources' order."""
        return {to.id for some in self.wanting.values() for to in some if to.keeps_order}

    def pairs(self, arrivals: Iterable[Arrival]) -> list[tuple[Arrival, Subscription]]:
        """Tell whose deliveries come to be, event by event."""
        return [(one, to) for one in arrivals for to in self.wanting[one.event_id]]


class Batch:
    """The deliveries of one batch: leased as long as memory has room for them all, else left to wait.

    Where order is kept, those whose turn it is not wait too, for others and for no room.
    """

    def __init__(
        self, memory: Memory, born: Iterable[tuple[Arrival, Subscription]], in_turn: Collection[str] = ()
    ) -> None:
        self._memory = memory
        self._in_turn = in_turn
        self._grant = memory.grant()
        self._taken = Load()
        self._mine: defaultdict[str, Load] = defaultdict(Load)
        self._jobs: list[Job] = []
        self._spilled: set[str] = set()
        self.births: list[Birth] = []
        for arrival, subscription in born:
            self._add(arrival, subscription)

    def hand_over(self, new: Collection[str]) -> None:
        """Let the worker have what is its own of those that were not there before, and know of what waits."""
        DELIVERIES.inc(len(new))
        if self._grant is not None:
            self._memory.offer(self._grant, [job for job in self._jobs if job.id in new])
        if self._spilled:
            self._memory.spilled(self._spilled)

    def _add(self, arrival: Arrival, subscription: Subscription) -> None:
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
            self._spilled.add(subscription.id)
        else:
            self.births.append(birth(lease))
            is_ordered = awaits_turn is not None
            tail, traceparent = _composed(arrival.record)
            job = Job(new_id, subscription.id, lease, 0, tail, is_ordered=is_ordered, traceparent=traceparent)
            self._jobs.append(job)
            self._taken.add(len(tail))
            self._mine[subscription.id].add(len(tail))

    def _lease_for(self, subscription_id: str) -> str | None:
        if self._grant is None or not self._memory.has_room(subscription_id, self._mine[subscription_id], self._taken):
            return None
        return self._grant.lease


@functools.lru_cache(maxsize=1)
def _composed(record: bytes) -> Composition:
    """Compose an event once for all of its subscriptions, which come one after the other."""
    return compose(record)
