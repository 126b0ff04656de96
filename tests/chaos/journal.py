"""What a run writes down while it happens, from which all is told that happened outside of the system.

Invariant: an entry is never changed; whatever goes wrong within the run itself is written down too.
"""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from chaos.evidence import Answer, Arrival, Death, Fault, Poison, Subscriber, Told
from chaos.plan import Planned


@dataclass
class Journal:
    """The entries.

    Attributes:
        arrivals: what came, for the present under the endpoint's name.
        subscriptions: the ids of the subscriptions of endpoints, by name.
        undone: the faults that were planned and could not be done, and why.
        notes: what else a reader should know.
    """

    answers: list[Answer] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    subscriptions: dict[str, str] = field(default_factory=dict)
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    undone: list[tuple[Planned, str]] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def subscribed(self, endpoint: str, subscriber: Subscriber) -> None:
        """Write down an endpoint's subscription."""
        self.subscriptions[endpoint] = subscriber.id
        self.subscribers[subscriber.id] = subscriber

    def unsubscribed(self, subscription_id: str, at: datetime) -> None:
        """Write down that a subscription was ended by the run."""
        self.subscribers[subscription_id] = replace(self.subscribers[subscription_id], ended_at=at)

    @contextmanager
    def minding(self, what: str) -> Iterator[None]:
        """Write down whatever goes wrong in the block, which ends there."""
        try:
            yield
        except Exception:  # noqa: BLE001 - whatever it is, it makes the run say nothing
            self.unseen.append(f"{what}: {traceback.format_exc()}")

    def told(self, *, seed: int, org_ids: Sequence[str], began_at: datetime, ended_at: datetime, settled: bool) -> Told:
        """Tell all of it."""
        return Told(
            seed=seed,
            org_ids=org_ids,
            began_at=began_at,
            ended_at=ended_at,
            settled=settled,
            answers=tuple(self.answers),
            arrivals=tuple(
                replace(one, subscription_id=self.subscriptions.get(one.subscription_id, one.subscription_id))
                for one in self.arrivals
            ),
            subscribers=tuple(self.subscribers.values()),
            faults=tuple(self.faults),
            poison=tuple(self.poison),
            deaths=tuple(self.deaths),
            unseen=tuple(self.unseen),
        )
