"""A delivery: one event for one subscription, from birth to its end.

Invariant: `pending` is the only state that is left; `delivered`, `exhausted` and `discarded` are ends (architecture.md
I4), and only a new round leads out of one: the same delivery under the same id, its attempts numbered on.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from webhook_dispatcher.domain.exchange import Answer, Exchange
from webhook_dispatcher.domain.subscription import Subscription


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    DISCARDED = "discarded"


class DiscardReason(StrEnum):
    """Why a delivery is not sent any more."""

    DISABLED = "disabled"
    DELETED = "deleted"


# What is made for each delivery or attempt is a tuple: that takes a quarter of the time of a frozen dataclass.
class Birth(NamedTuple):
    """A delivery that comes to be with its event.

    Attributes:
        lease: the worker that holds it from the start, if any.
        reason: why it is discarded from the start, if it is.
        awaits_turn: whether it waits for an earlier one of its resource; None where no order is kept.
    """

    id: str
    event_id: str
    subscription_id: str
    org_id: str
    event_type: str
    lease: str | None = None
    reason: DiscardReason | None = None
    awaits_turn: bool | None = None


@dataclass(slots=True)
class Load:
    """So many deliveries in memory, with so many bytes of their bodies; a tail that several share counts for each."""

    jobs: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        """Count one more."""
        self.jobs += 1
        self.size += size


class Job(NamedTuple):
    """A delivery in a worker's memory.

    Attributes:
        lease: the worker identity under which it is held.
        attempts: how many attempts were made before.
        tail: its event's part of the body.
        round: how often it was opened again; 0 is the round that it was born into with its event.
        earlier: how many of the attempts were made in earlier rounds.
        is_ordered: whether others of its resource may wait for its end.
        traceparent: the trace context of what created its event.
    """

    id: str
    subscription_id: str
    lease: str
    attempts: int
    tail: bytes
    round: int = 0
    earlier: int = 0
    is_ordered: bool = False
    traceparent: str | None = None

    @property
    def is_again(self) -> bool:
        """Whether it is sent again, by its schedule or by wish, so that others' first attempts go ahead of it."""
        return self.attempts > 0 or self.round > 0


class Attempt(NamedTuple):
    """One HTTP try; `to` is the subscription as it was then."""

    number: int
    started_at: datetime
    latency_ms: int
    exchange: Exchange
    to: Subscription


class Outcome(NamedTuple):
    """What a worker has to write of a delivery that it holds: the new state, and the attempt that led there.

    Attributes:
        due: when it is tried again; only for `pending`, and None there if it is only put back.
        attempt: None if it was discarded or put back untried.
        gone: the URL that asked for nothing any more, if it did, so that a subscription that leads there is to be
            disabled.
    """

    job: Job
    state: DeliveryState
    reason: DiscardReason | None = None
    due: datetime | None = None
    attempt: Attempt | None = None
    gone: str | None = None

    @property
    def size(self) -> int:
        """How many bytes it keeps in memory: of its delivery's body, and of the answer."""
        exchange = None if self.attempt is None else self.attempt.exchange
        return len(self.job.tail) + (exchange.size if isinstance(exchange, Answer) else 0)

    @property
    def passes_turn(self) -> bool:
        """Whether it ends a delivery that others of its resource may wait for."""
        return self.job.is_ordered and self.state is not DeliveryState.PENDING

    def elsewhere(self, due: datetime) -> Self:
        """Tell the outcome instead of the URL's wish, once the subscription leads to another: that is tried too."""
        return self._replace(state=DeliveryState.PENDING, reason=None, due=due, gone=None)
