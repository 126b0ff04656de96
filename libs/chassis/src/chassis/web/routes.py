"""Routes as data: what a handler takes, answers and needs.

Invariant: it is told once, for the server, the checks and the API's description alike.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chassis.idempotency import Once
from chassis.identity import Caller
from chassis.web.errors import ApiError


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked and parsed: who calls, and with what.

    Attributes:
        caller: the key's holder; holds the route's scope.
        body: an instance of the route's `body` model, or None.
        query: an instance of the route's `query` model, or None.
        path: the path's parameters.
        headers: the request's headers, case-insensitive.
        request_id: the caller's `X-Request-Id`, or one made for it.
        traceparent: the caller's W3C trace context, when it sent a well-formed one.
        once: the request's idempotency key, for `UnitOfWork.begin`.
    """

    caller: Caller
    body: Any
    query: Any
    path: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)  # the key is among them
    request_id: str
    traceparent: str | None
    once: Once | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """How an operation answers errors that is of a family with a shape of its own.

    Attributes:
        answer: the model of an error.
        render: turns an error into an instance of `answer`.
        statuses: the status of the codes that have another one there.
    """

    answer: type[BaseModel]
    render: Callable[[ApiError], BaseModel]
    statuses: Mapping[str, int]


def _as_it_is(result: Any) -> Any:
    return result


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API.

    Attributes:
        method: the HTTP method.
        path: the path, with parameters in braces.
        handler: takes the call, runs one use case and answers its result.
        scope: what the key must hold.
        summary: what it does, for the reference page.
        answer: the model of the success, which `render` makes of the result; None for an empty answer.
        render: turns the handler's result into an instance of `answer`.
        body: the model of the request's body, or None.
        query: the model of the request's query, or None.
        status: the status of the success.
        headers: the request headers that it heeds beside those that every operation does, and what they mean.
        errors: the codes that it may answer beside those that every operation of its kind may.
        staff_only: whether client keys are refused.
        admin_only: whether all but admin keys are refused.
        refusals: how errors are answered; None for the one shape.
    """

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Any]]
    scope: str
    summary: str
    answer: type[BaseModel] | None
    render: Callable[[Any], Any] = _as_it_is
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    staff_only: bool = False
    admin_only: bool = False
    refusals: Refusals | None = None

    @property
    def tag(self) -> str:
        """The group on the reference page: the first part of the path that names a thing."""
        return next(part for part in self.path.split("/") if part and part not in {"api", "v1", "v2", "platform"})
