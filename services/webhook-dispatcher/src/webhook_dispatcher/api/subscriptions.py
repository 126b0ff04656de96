"""Routes of subscriptions (api.md section 4).

Invariant: a secret is shown by the answer that makes it, of a new subscription or of a rotation, and by no other.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, WithJsonSchema

from chassis.web import Call, Data, Output, Route
from webhook_dispatcher.api.auth import NewAuth, ShownAuth, show_auth, wanted_auth
from webhook_dispatcher.api.models import (
    MANAGE,
    READ,
    SUBSCRIPTIONS,
    Body,
    CursorList,
    Instant,
    PageQuery,
    ShownCount,
)
from webhook_dispatcher.domain.rate_limit import MAX_PER_SECOND, MIN_PER_SECOND
from webhook_dispatcher.domain.reading import Page
from webhook_dispatcher.domain.replay import BoundedCount
from webhook_dispatcher.domain.retry import FORMULA, MAX_RETRIES, MAX_SECONDS, MIN_SECONDS
from webhook_dispatcher.domain.signature import format_secret
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.subscriptions import Rotated, Subscriptions, Wanted

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
_RATE_LIMIT_SCHEMA: dict[str, Any] = {
    "description": "How many attempts a second are sent at most; null for as many as the endpoint takes quickly.",
    "anyOf": [
        {
            "type": "object",
            "properties": {"per_second": {"type": "number", "minimum": MIN_PER_SECOND, "maximum": MAX_PER_SECOND}},
            "required": ["per_second"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ],
}

Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Events = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=100)]
Description = Annotated[str, StringConstraints(max_length=500)] | None
Headers = Annotated[
    dict[str, str], Field(description="Sent with every delivery; reserved names are refused.", repr=False)
]
Secret = Annotated[
    str | None, Field(description="`whsec_` and the base64 of 24 to 64 bytes; made here if absent.", repr=False)
]
Ordering = Annotated[
    Literal["none", "resource"],
    Field(
        description="`resource`: the events of one resource arrive in order, one at a time; a change is for events that"
        " come after it."
    ),
]
Retry = Annotated[Any, WithJsonSchema(_RETRY_SCHEMA)]  # read by the domain, whose words for what is wrong are plainer
RateLimit = Annotated[Any, WithJsonSchema(_RATE_LIMIT_SCHEMA)]  # as `Retry`
UNSET: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out and may not be null: a default is not validated, a given null is."""


class NewSubscription(Body):
    """A subscription to make."""

    url: Url
    events: Events
    description: Description = None
    headers: Headers = Field(default_factory=dict)
    secret: Secret = None
    ordering: Ordering = "none"
    retry: Retry = None
    rate_limit: RateLimit = None
    auth: NewAuth | None = None

    @property
    def wanted(self) -> Wanted:
        """The subscription, as the use case takes it."""
        return Wanted(
            self.url,
            self.events,
            self.description,
            self.headers,
            self.secret,
            self.ordering,
            self.retry,
            self.rate_limit,
            wanted_auth(self.auth),
        )


class ChangedSubscription(Body):
    """The fields of a subscription to change; what is left out stays."""

    url: Url = UNSET
    events: Events = UNSET
    description: Description = None
    headers: Headers = UNSET
    ordering: Ordering = UNSET
    retry: Retry = None
    rate_limit: RateLimit = None
    auth: NewAuth | None = None

    @property
    def given(self) -> dict[str, object]:
        """What was given, in the order of the fields."""
        told = {name: value for name, value in self if name in self.model_fields_set}
        return {**told, "auth": wanted_auth(self.auth)} if "auth" in told else told


class NewSecret(Body):
    """A secret to rotate to."""

    secret: Secret = None


class ShownRateLimit(Output):
    """A subscription's own rate limit."""

    per_second: float


class ShownSubscription(Output):
    """A subscription."""

    id: str
    url: str
    events: list[str]
    description: str | None
    headers: Annotated[dict[str, str], Field(repr=False)]
    ordering: Literal["none", "resource"]
    retry: list[float] | None
    rate_limit: ShownRateLimit | None
    auth: ShownAuth | None
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

    secret: Annotated[str, Field(repr=False)]


class EnabledSubscription(ShownSubscription):
    """A subscription that is sent events again.

    `recoverable` tells how many of its deliveries failed or were discarded; none of these is sent again by itself.
    """

    recoverable: ShownCount


class RotatedSubscription(CreatedSubscription):
    """A subscription with its new secret; until `old_secret_until` the one before signs beside it."""

    old_secret_until: Instant | None


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

    async def rotate_secret(self, call: Call) -> Rotated:
        """Give one a new secret."""
        return await self.subscriptions.rotate_secret(call.caller.org_id, call.path["id"], call.body.secret, call.once)

    async def enable(self, call: Call) -> tuple[Subscription, BoundedCount]:
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
            errors=("too_many_subscriptions",),
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
        Route(
            "POST",
            f"{_ONE}/enable",
            handlers.enable,
            scope=MANAGE,
            summary="Send events again, those that come from now on; the answer tells how many can be recovered",
            answer=Data[EnabledSubscription],
            render=_show_enabled,
            errors=(*_MISSING, "still_discarding"),
        ),
        Route(
            "POST",
            f"{_ONE}/disable",
            handlers.disable,
            scope=MANAGE,
            summary="Stop sending; what is pending and what comes is discarded",
            errors=_MISSING,
            **shown,
        ),
        Route(
            "POST",
            f"{_ONE}/rotate-secret",
            handlers.rotate_secret,
            scope=MANAGE,
            summary="Sign with a new secret, and with the present one too for 24 hours; the answer shows it, this once",
            answer=Data[RotatedSubscription],
            render=_show_rotated,
            body=NewSecret,
            errors=_MISSING,
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
        "ordering": one.ordering.value,
        "retry": None if one.retry is None else list(one.retry.pauses),
        "rate_limit": None if one.rate_limit is None else ShownRateLimit(per_second=one.rate_limit.per_second),
        "auth": show_auth(one.auth),
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


def _show_enabled(enabled: tuple[Subscription, BoundedCount]) -> Data[EnabledSubscription]:
    one, failed = enabled
    return Data(data=EnabledSubscription(**_fields(one), recoverable=ShownCount(**asdict(failed))))


def _show_rotated(done: Rotated) -> Data[RotatedSubscription]:
    shown = {**_fields(done.subscription), "secret": format_secret(done.secret), "old_secret_until": done.old_until}
    return Data(data=RotatedSubscription(**shown))


def _show_page(page: Page[Subscription]) -> CursorList[ShownSubscription]:
    return CursorList(data=[ShownSubscription.of(one) for one in page.items], has_more=page.has_more)
