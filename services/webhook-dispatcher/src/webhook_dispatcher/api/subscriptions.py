"""Routes of subscriptions (api.md section 4).

Invariant: a secret is shown by the answer that makes the subscription, and by no other.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, WithJsonSchema

from chassis.web import Call, Data, Output, Route
from webhook_dispatcher.api.models import MANAGE, READ, SUBSCRIPTIONS, Body, CursorList, Instant, PageQuery
from webhook_dispatcher.domain.reading import Page
from webhook_dispatcher.domain.retry import FORMULA, MAX_RETRIES, MAX_SECONDS, MIN_SECONDS
from webhook_dispatcher.domain.signature import format_secret
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.subscriptions import Subscriptions, Wanted

_ONE = f"{SUBSCRIPTIONS}/{{id}}"
_RETRY_SCHEMA: dict[str, Any] = {
    "description": "Seconds to wait after each failed attempt; null for the default schedule of about 76 hours.",
    "anyOf": [
        {
            "type": "array",
            "items": {"type": "number", "minimum": MIN_SECONDS, "maximum": MAX_SECONDS},
            "maxItems": MAX_RETRIES,
        },
        {
            "type": "object",
            "properties": {
                name: {"type": "integer" if name == "number" else "number", "minimum": least, "maximum": most}
                for name, (least, most) in FORMULA.items()
            },
            "required": list(FORMULA),
            "additionalProperties": False,
        },
        {"type": "null"},
    ],
}

Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Events = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=100)]
Description = Annotated[str, StringConstraints(max_length=500)] | None
Headers = Annotated[dict[str, str], Field(description="Sent with every delivery; reserved names are refused.")]
Retry = Annotated[Any, WithJsonSchema(_RETRY_SCHEMA)]  # read by the domain, whose words for what is wrong are plainer
UNSET: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out and may not be null: a default is not validated, a given null is."""


class NewSubscription(Body):
    """A subscription to make."""

    url: Url
    events: Events
    description: Description = None
    headers: Headers = Field(default_factory=dict)
    secret: str | None = Field(None, description="`whsec_` and the base64 of 24 to 64 bytes; made here if absent.")
    retry: Retry = None

    @property
    def wanted(self) -> Wanted:
        """The subscription, as the use case takes it."""
        return Wanted(self.url, self.events, self.description, self.headers, self.secret, self.retry)


class ChangedSubscription(Body):
    """The fields of a subscription to change; what is left out stays."""

    url: Url = UNSET
    events: Events = UNSET
    description: Description = None
    headers: Headers = UNSET
    retry: Retry = None

    @property
    def given(self) -> dict[str, object]:
        """What was given, in the order of the fields."""
        return {name: value for name, value in self if name in self.model_fields_set}


class ShownSubscription(Output):
    """A subscription."""

    id: str
    url: str
    events: list[str]
    description: str | None
    headers: dict[str, str]
    retry: list[float] | None
    status: Literal["active", "disabled", "deleted"]
    disabled_reason: Literal["requested", "gone", "failing"] | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, one: Subscription) -> Self:
        """Render a subscription."""
        return cls(**_fields(one))


class CreatedSubscription(ShownSubscription):
    """A new subscription with its secret, which is shown this once."""

    secret: str


class Deleted(Output):
    """What was deleted."""

    id: str
    deleted: Literal[True] = True


@dataclass(frozen=True)
class Handlers:
    """The operations."""

    subscriptions: Subscriptions

    async def create(self, call: Call) -> tuple[Subscription, bytes]:
        """Make a subscription."""
        return await self.subscriptions.create(call.caller.org_id, call.body.wanted, call.once)

    async def page(self, call: Call) -> Page[Subscription]:
        """List the organization's subscriptions."""
        return await self.subscriptions.page(call.caller.org_id, call.query.cut)

    async def get(self, call: Call) -> Subscription:
        """Read one."""
        return await self.subscriptions.get(call.caller.org_id, call.path["id"])

    async def change(self, call: Call) -> Subscription:
        """Change one."""
        return await self.subscriptions.change(call.caller.org_id, call.path["id"], call.body.given)

    async def enable(self, call: Call) -> Subscription:
        """Enable one."""
        return await self.subscriptions.enable(call.caller.org_id, call.path["id"], call.once)

    async def disable(self, call: Call) -> Subscription:
        """Disable one."""
        return await self.subscriptions.disable(
            call.caller.org_id,
            call.path["id"],
            call.once,
            request_id=call.request_id,
            traceparent=call.traceparent,
        )

    async def delete(self, call: Call) -> Subscription:
        """Delete one."""
        return await self.subscriptions.delete(call.caller.org_id, call.path["id"])


def routes(subscriptions: Subscriptions) -> list[Route]:
    """List the operations on subscriptions."""
    handlers = Handlers(subscriptions)
    shown: dict[str, Any] = {"answer": Data[ShownSubscription], "render": _show}
    return [
        Route(
            "POST",
            SUBSCRIPTIONS,
            handlers.create,
            scope=MANAGE,
            summary="Subscribe an endpoint to events; the answer shows the secret, this once",
            answer=Data[CreatedSubscription],
            render=_show_created,
            body=NewSubscription,
            status=201,
        ),
        Route(
            "GET",
            SUBSCRIPTIONS,
            handlers.page,
            scope=READ,
            summary="List subscriptions",
            answer=CursorList[ShownSubscription],
            render=_show_page,
            query=PageQuery,
            errors=("invalid_cursor",),
        ),
        Route("GET", _ONE, handlers.get, scope=READ, summary="Read a subscription", errors=_MISSING, **shown),
        Route(
            "PATCH",
            _ONE,
            handlers.change,
            scope=MANAGE,
            summary="Change a subscription, from the next attempt on",
            body=ChangedSubscription,
            errors=_MISSING,
            **shown,
        ),
        Route(
            "DELETE",
            _ONE,
            handlers.delete,
            scope=MANAGE,
            summary="Delete a subscription; what is pending is discarded",
            answer=Data[Deleted],
            render=lambda one: Data(data=Deleted(id=one.id)),
            errors=_MISSING,
        ),
        *(
            Route("POST", f"{_ONE}/{verb}", handler, scope=MANAGE, summary=summary, errors=_MISSING, **shown)
            for verb, handler, summary in (
                ("enable", handlers.enable, "Send events again, those that come from now on"),
                ("disable", handlers.disable, "Stop sending; what is pending and what comes is discarded"),
            )
        ),
    ]


_MISSING = ("not_found",)


def _fields(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "url": one.url,
        "events": list(one.events),
        "description": one.description,
        "headers": one.headers or {},
        "retry": None if one.retry is None else list(one.retry.pauses),
        "status": one.state.value,
        "disabled_reason": one.disabled_reason,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def _show(one: Subscription) -> Data[ShownSubscription]:
    return Data(data=ShownSubscription.of(one))


def _show_created(made: tuple[Subscription, bytes]) -> Data[CreatedSubscription]:
    one, secret = made
    return Data(data=CreatedSubscription(**_fields(one), secret=format_secret(secret)))


def _show_page(page: Page[Subscription]) -> CursorList[ShownSubscription]:
    return CursorList(data=[ShownSubscription.of(one) for one in page.items], has_more=page.has_more)
