"""Routes that send again, and that try an endpoint out (api.md section 4).

Invariant: a job is answered as it stands; how far it has come is told by reading it again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from chassis.web import Call, Data, Output, Route
from webhook_dispatcher.api.deliveries import ShownAttempt, ShownDelivery, show_attempt, show_delivery
from webhook_dispatcher.api.models import (
    MANAGE,
    READ,
    SUBSCRIPTIONS,
    Body,
    CursorList,
    GivenInstant,
    Instant,
    PageQuery,
    ShownCount,
)
from webhook_dispatcher.api.subscriptions import Events
from webhook_dispatcher.domain.exchange import is_success
from webhook_dispatcher.domain.reading import DeliveryRecord, Page
from webhook_dispatcher.domain.replay import Replay, ReplayKind, ReplayOrder
from webhook_dispatcher.service.recovery import Recovery
from webhook_dispatcher.service.trials import Trial, Trials

_ONE = f"{SUBSCRIPTIONS}/{{id}}"
_OPEN_END = datetime.max.replace(tzinfo=UTC)  # cut off at the present
_MISSING = ("not_found",)
_STARTING = ("not_found", "subscription_disabled", "replay_running")


class Recover(Body):
    """Which failed deliveries to open again, by when they failed."""

    since: Annotated[GivenInstant, Field(description="The first instant.")]
    until: Annotated[GivenInstant | None, Field(description="The end, itself not included; the present if absent.")] = (
        None
    )

    @property
    def order(self) -> ReplayOrder:
        """What is asked for, as the use case takes it."""
        return ReplayOrder(ReplayKind.RECOVER, self.since, _OPEN_END if self.until is None else self.until)


class ReplayBody(Body):
    """Which events of the log to send again, by when they were published."""

    since: Annotated[GivenInstant, Field(alias="from", description="The first instant.")]
    until: Annotated[GivenInstant, Field(alias="to", description="The end, itself not included.")]
    events: Annotated[
        Events | None,
        Field(description="Narrows the subscription's own; in a dry run it stands in their place and may be wider."),
    ] = None
    dry_run: Annotated[bool, Field(description="Whether to count and show only, and send and write nothing.")] = False

    @property
    def order(self) -> ReplayOrder:
        """What is asked for, as the use case takes it."""
        events = None if self.events is None else tuple(self.events)
        return ReplayOrder(ReplayKind.REPLAY, self.since, self.until, events, self.dry_run)


class TestBody(Body):
    """What to test with."""

    __test__ = False  # its name makes pytest take it for a test

    event: Annotated[
        Annotated[str, StringConstraints(max_length=100)] | None,
        Field(description="A type of event; the first that the subscription wants if absent."),
    ] = None


class ShownSample(Output):
    """An event that a dry run matched."""

    event_id: str
    event: str
    resource_id: str
    timestamp: str


class ShownReplay(Output):
    """A recovery or a replay, and how far it has come.

    `truncated` tells that `from` lies before what the log still holds; `earliest` is from when on it holds everything.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    subscription_id: str
    kind: Literal["recover", "replay"]
    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to")
    events: list[str] | None
    dry_run: bool
    status: Literal["running", "done", "failed", "cancelled"]
    error: str | None
    expected: ShownCount | None
    read: int
    matched: int
    reopened: int
    created: int
    types: dict[str, int]
    samples: list[ShownSample]
    truncated: bool
    earliest: Instant | None
    created_at: Instant
    updated_at: Instant
    finished_at: Instant | None


class ShownTrial(Output):
    """What a test came to; `id` is the `webhook-id` that it was sent with. It is not stored."""

    id: str
    event_id: str
    event: str
    delivered: bool
    attempt: ShownAttempt


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    recovery: Recovery
    trials: Trials

    async def resend(self, call: Call) -> DeliveryRecord:
        """Open one delivery again."""
        return await self.recovery.resend(call.caller.org_id, call.path["id"], call.once)

    async def start(self, call: Call) -> Replay:
        """Start a recovery or a replay."""
        return await self.recovery.start(call.caller.org_id, call.path["id"], call.body.order, call.once)

    async def page(self, call: Call) -> Page[Replay]:
        """List a subscription's recoveries and replays."""
        return await self.recovery.page(call.caller.org_id, call.path["id"], call.query.cut)

    async def get(self, call: Call) -> Replay:
        """Read one."""
        return await self.recovery.get(call.caller.org_id, call.path["id"])

    async def cancel(self, call: Call) -> Replay:
        """Cancel one."""
        return await self.recovery.cancel(call.caller.org_id, call.path["id"], call.once)

    async def test(self, call: Call) -> Trial:
        """Send a test event."""
        return await self.trials.send(call.caller.org_id, call.path["id"], call.body.event, call.once)


def routes(recovery: Recovery, trials: Trials) -> list[Route]:
    """List the operations."""
    handlers = Handlers(recovery, trials)
    return [
        Route(
            "POST",
            "/api/v1/webhooks/deliveries/{id}/resend",
            handlers.resend,
            scope=MANAGE,
            summary="Send a delivery again, now, under the same id",
            answer=Data[ShownDelivery],
            render=lambda one: Data(data=show_delivery(one)),
            errors=("not_found", "subscription_disabled", "subscription_deleted", "event_gone"),
        ),
        *(
            Route(
                "POST",
                f"{_ONE}/{kind}",
                handlers.start,
                scope=MANAGE,
                summary=summary,
                answer=Data[ShownReplay],
                render=_show,
                body=body,
                status=201,
                errors=_STARTING,
            )
            for kind, body, summary in (
                ("recover", Recover, "Send all deliveries again that failed in a range of time"),
                ("replay", ReplayBody, "Send a range of the log again, or count what it would be"),
            )
        ),
        Route(
            "GET",
            f"{_ONE}/replays",
            handlers.page,
            scope=READ,
            summary="List a subscription's recoveries and replays",
            answer=CursorList[ShownReplay],
            render=_show_page,
            query=PageQuery,
            errors=("not_found", "invalid_cursor"),
        ),
        Route(
            "GET",
            "/api/v1/webhooks/replays/{id}",
            handlers.get,
            scope=READ,
            summary="Read how far a recovery or a replay has come",
            answer=Data[ShownReplay],
            render=_show,
            errors=_MISSING,
        ),
        Route(
            "POST",
            "/api/v1/webhooks/replays/{id}/cancel",
            handlers.cancel,
            scope=MANAGE,
            summary="End a recovery or a replay; what it has sent again stays sent",
            answer=Data[ShownReplay],
            render=_show,
            errors=_MISSING,
        ),
        Route(
            "POST",
            f"{_ONE}/test",
            handlers.test,
            scope=MANAGE,
            summary="Send a test event to the endpoint, and tell what it answered",
            answer=Data[ShownTrial],
            render=_show_trial,
            body=TestBody,
            errors=_MISSING,
        ),
    ]


def _fields(one: Replay) -> Mapping[str, object]:
    return {
        "id": one.id,
        "subscription_id": one.subscription_id,
        "kind": one.order.kind.value,
        "since": one.order.since,
        "until": one.order.until,
        "events": None if one.order.events is None else list(one.order.events),
        "dry_run": one.order.dry_run,
        "status": one.state.value,
        "error": one.error,
        "expected": None if one.expected is None else asdict(one.expected),
        "read": one.read,
        "matched": one.matched,
        "reopened": one.reopened,
        "created": one.created,
        "types": one.types,
        "samples": [asdict(sample) for sample in one.samples],
        "truncated": one.earliest is not None,
        "earliest": one.earliest,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "finished_at": one.finished_at,
    }


def _show(one: Replay) -> Data[ShownReplay]:
    return Data(data=ShownReplay.model_validate(_fields(one)))


def _show_page(page: Page[Replay]) -> CursorList[ShownReplay]:
    return CursorList(data=[ShownReplay.model_validate(_fields(one)) for one in page.items], has_more=page.has_more)


def _show_trial(one: Trial) -> Data[ShownTrial]:
    return Data(
        data=ShownTrial(
            id=one.id,
            event_id=one.event_id,
            event=one.event_type,
            delivered=is_success(one.attempt.status),
            attempt=show_attempt(one.attempt),
        )
    )
