"""Routes of deliveries, their attempts, and the types of events (api.md section 4).

Invariant: they only read, and an answer's body is shown as text whatever its bytes.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from chassis.web import Call, Data, Output, Route
from slotwire_contracts import CATALOG, public_types
from webhook_dispatcher.api.models import READ, SUBSCRIPTIONS, CursorList, GivenInstant, Instant, PageQuery
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.events import check_type
from webhook_dispatcher.domain.reading import AttemptRecord, DeliveryFilter, DeliveryRecord, Page
from webhook_dispatcher.service.deliveries import Deliveries

Status = Literal["pending", "delivered", "exhausted", "discarded"]


class DeliveryQuery(PageQuery):
    """Which deliveries are wanted."""

    status: Status | None = None
    event: Annotated[str, Field(max_length=100, description="A type of event.")] | None = None
    since: Annotated[GivenInstant, Field(description="The earliest time of the event.")] | None = None

    def filter(self) -> DeliveryFilter:
        """Tell the use case which.

        Raises:
            ValidationFailedError: `event` is no type of event.
        """
        state = None if self.status is None else DeliveryState(self.status)
        return DeliveryFilter(state, None if self.event is None else check_type(self.event), self.since)


class ShownDelivery(Output):
    """A delivery: its `id` is the `webhook-id` of all its attempts."""

    id: str
    event_id: str
    subscription_id: str
    event: str
    status: Status
    reason: str | None
    attempt_count: int
    next_attempt_at: Instant | None
    created_at: Instant
    settled_at: Instant | None


class ShownAttempt(Output):
    """One HTTP try. `status` and `response_…` are the answer's; where none came, `error` tells why."""

    number: int
    started_at: Instant
    latency_ms: int
    status: int | None
    response_headers: dict[str, str] | None
    response_body: str | None
    error: str | None
    error_detail: str | None


class DeliveryWithAttempts(ShownDelivery):
    """A delivery, and every attempt so far, the first one first."""

    attempts: list[ShownAttempt]


class EventType(Output):
    """A type of event that can be subscribed to."""

    type: str
    resource: str
    schema_uri: str


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    deliveries: Deliveries

    async def page(self, call: Call) -> Page[DeliveryRecord]:
        """List a subscription's deliveries."""
        return await self.deliveries.page(call.caller.org_id, call.path["id"], call.query.filter(), call.query.cut)

    async def get(self, call: Call) -> tuple[DeliveryRecord, list[AttemptRecord]]:
        """Read one with its attempts."""
        return await self.deliveries.get(call.caller.org_id, call.path["id"])

    async def event_types(self, _: Call) -> list[EventType]:
        """List what can be subscribed to."""
        return [
            EventType(type=name, resource=CATALOG[name].resource, schema_uri=CATALOG[name].dataschema)
            for name in public_types()
        ]


def routes(deliveries: Deliveries) -> list[Route]:
    """List the operations on deliveries."""
    handlers = Handlers(deliveries)
    return [
        Route(
            "GET",
            f"{SUBSCRIPTIONS}/{{id}}/deliveries",
            handlers.page,
            scope=READ,
            summary="List a subscription's deliveries, the newest event first",
            answer=CursorList[ShownDelivery],
            render=_show_page,
            query=DeliveryQuery,
            errors=("not_found", "invalid_cursor"),
        ),
        Route(
            "GET",
            "/api/v1/webhooks/deliveries/{id}",
            handlers.get,
            scope=READ,
            summary="Read a delivery with its attempts",
            answer=Data[DeliveryWithAttempts],
            render=_show_with_attempts,
            errors=("not_found",),
        ),
        Route(
            "GET",
            "/api/v1/webhooks/event-types",
            handlers.event_types,
            scope=READ,
            summary="List the types of events that can be subscribed to",
            answer=Data[list[EventType]],
            render=lambda types: Data(data=types),
        ),
    ]


def show_delivery(one: DeliveryRecord) -> ShownDelivery:
    """Render a delivery."""
    return ShownDelivery.model_validate(_fields(one))


def _fields(one: DeliveryRecord) -> dict[str, object]:
    return {
        "id": one.id,
        "event_id": one.event_id,
        "subscription_id": one.subscription_id,
        "event": one.event_type,
        "status": one.state.value,
        "reason": one.reason,
        "attempt_count": one.attempts,
        "next_attempt_at": None if one.awaits_turn or one.state is not DeliveryState.PENDING else one.due_at,
        "created_at": one.created_at,
        "settled_at": one.settled_at,
    }


def show_attempt(one: AttemptRecord) -> ShownAttempt:
    """Render an attempt."""
    return ShownAttempt(
        number=one.number,
        started_at=one.started_at,
        latency_ms=one.latency_ms,
        status=one.status,
        response_headers=None if one.headers is None else dict(one.headers),
        response_body=None if one.body is None else one.body.decode(errors="replace"),
        error=one.error,
        error_detail=one.detail,
    )


def _show_page(page: Page[DeliveryRecord]) -> CursorList[ShownDelivery]:
    return CursorList(data=[show_delivery(one) for one in page.items], has_more=page.has_more)


def _show_with_attempts(found: tuple[DeliveryRecord, list[AttemptRecord]]) -> Data[DeliveryWithAttempts]:
    delivery, attempts = found
    shown = {**_fields(delivery), "attempts": [show_attempt(one) for one in attempts]}
    return Data(data=DeliveryWithAttempts.model_validate(shown))
