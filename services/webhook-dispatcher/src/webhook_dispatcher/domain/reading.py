"""What the API shows of deliveries, and which of them it is asked for.

Invariant: a list is newest first, in the order of delivery ids (time of the event, then hash): a position in it never
shifts because others were added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, Self, TypeVar, assert_never

from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, and whether more follow."""

    items: Sequence[T]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a list is wanted: so many, behind the one with that id."""

    limit: int
    starting_after: str | None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which of a subscription's deliveries are wanted; `since` is compared with the time of the event."""

    state: DeliveryState | None
    event_type: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery as it is stored; `awaits_turn` tells whether it waits for an earlier one of its resource."""

    id: str
    event_id: str
    subscription_id: str
    event_type: str
    state: DeliveryState
    reason: str | None
    attempts: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None
    awaits_turn: bool | None


# A tuple, since one is made for each attempt: that takes a quarter of the time of a frozen dataclass.
class AttemptRecord(NamedTuple):
    """An attempt as it is stored; `status` is None where no answer came, and then `error` tells why."""

    number: int
    started_at: datetime
    latency_ms: int
    status: int | None
    headers: Mapping[str, str] | None
    body: bytes | None
    error: str | None
    detail: str | None

    @classmethod
    def of(cls, number: int, started_at: datetime, latency_ms: int, exchange: Exchange) -> Self:
        """Lay out what became of an attempt."""
        match exchange:
            case Answer(status, headers, body):
                return cls(number, started_at, latency_ms, status, headers, body, None, None)
            case Failure(kind, detail):
                return cls(number, started_at, latency_ms, None, None, None, kind, detail)
            case _:
                assert_never(exchange)
