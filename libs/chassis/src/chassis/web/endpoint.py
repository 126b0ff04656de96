"""From a request to an answer: the key, its limit, the body, the handler, the error shape.

Invariant: a handler runs only for a key that holds the route's scope and is within its limit, and with input that its
models accept; and whatever it raises is answered in the one error shape, or in that of the route's own family. Calls
between services have no limit: what one does for many organizations is no caller's excess, and its own loops bound it.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from chassis.crypto import Sealer
from chassis.idempotency import (
    AnsweredBeforeError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    Once,
    scope_of,
)
from chassis.identity import ORGANIZATION_HEADER, Caller, Identity, KeyKind
from chassis.ids import new_id
from chassis.postgres import TRANSIENT, UNSTORABLE
from chassis.tracing import is_traceparent
from chassis.web.errors import STATUSES, ApiError, CodedError, api_error, from_validation, render
from chassis.web.rate_limits import RateLimits, Standing
from chassis.web.routes import Call, Refusals, Route

_log = structlog.get_logger(__name__)

_JSON = "application/json"
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ORGANIZATION = re.compile(r"[\x21-\x7e]{1,128}")
_NUL_ESCAPE = b"\\u0000"

REQUEST_ID = web.RequestKey("request_id", str)
TRACEPARENT = web.RequestKey("traceparent", str)
STANDING = web.RequestKey("standing", Standing)
REFUSALS = web.RequestKey("refusals", Refusals)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """How errors are answered where people look, and no programs."""

    render: Callable[[ApiError], web.Response]


ERROR_PAGE = web.RequestKey("error_page", ErrorPage)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route, ready to be served."""

    route: Route
    identity: Identity
    sealer: Sealer
    rate_limits: RateLimits | None

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request.

        Raises:
            ApiError, CodedError and whatever the handler raises: the middleware turns them into answers.
        """
        if self.route.refusals is not None:
            request[REFUSALS] = self.route.refusals
        caller = await self._authenticate(request)
        await self._count(request, caller)
        self._authorize(caller)
        if any("\0" in part for part in request.match_info.values()):
            raise api_error("not_found", "there is nothing at this path")
        raw = await self._read_body(request)
        call = Call(
            caller=caller,
            body=self._parse_body(raw),
            query=self._parse_query(request),
            path=dict(request.match_info),
            headers=request.headers,
            request_id=request[REQUEST_ID],
            traceparent=request.get(TRACEPARENT),
            once=self._once(request, caller, raw),
        )
        try:
            result = await self.route.handler(call)
        except AnsweredBeforeError as answered:
            return _json(answered.status, answered.body, {"Idempotent-Replayed": "true"})
        except IdempotencyKeyReusedError:
            raise api_error(
                "idempotency_key_reused", "this Idempotency-Key came before with another body", param="Idempotency-Key"
            ) from None
        except IdempotencyInProgressError:
            raise api_error(
                "idempotency_in_progress",
                "a request with this Idempotency-Key is running",
                param="Idempotency-Key",
                headers={"Retry-After": "1"},
            ) from None
        kept = call.once.answer if call.once is not None else None
        return _json(self.route.status, self._render(result) if kept is None else kept)

    async def _authenticate(self, request: web.Request) -> Caller:
        header = request.headers.get("Authorization", "")
        key = header[7:].strip() if header[:7].lower() == "bearer " else request.headers.get("X-API-Key", "")
        if self.identity.is_service_key(key):
            return await self._service(request)
        caller = await self.identity.find(key) if key else None
        if caller is None:
            told = "the API key is unknown, revoked or expired" if key else "send an API key as Authorization: Bearer …"
            raise api_error("unauthenticated", told, headers={"WWW-Authenticate": "Bearer"})
        return caller

    async def _service(self, request: web.Request) -> Caller:
        """Answer the service that calls, in the one organization that it names."""
        given = request.headers.getall(ORGANIZATION_HEADER, [])
        if len(given) != 1:
            told = "must be given once, with the id of the organization that a service calls for"
        elif not _ORGANIZATION.fullmatch(given[0]):
            told = "must be 1 to 128 visible ASCII characters"
        else:
            caller = await self.identity.service_in(given[0])
            if caller is not None:
                return caller
            told = "must be the id of an organization"
        raise api_error("validation_failed", f"{ORGANIZATION_HEADER}: {told}", param=ORGANIZATION_HEADER)

    async def _count(self, request: web.Request, caller: Caller) -> None:
        if self.rate_limits is None or caller.is_internal:
            return
        await count(request, self.rate_limits, caller.key_id, "the API key")

    def _authorize(self, caller: Caller) -> None:
        if not caller.may(self.route.scope):
            raise api_error("forbidden", f"the API key lacks the scope {self.route.scope}")
        if self.route.staff_only and not caller.is_staff:
            raise api_error("forbidden", "a client key cannot do this")
        if self.route.admin_only and caller.kind is not KeyKind.ADMIN:
            raise api_error("forbidden", "only an admin key can do this")

    async def _read_body(self, request: web.Request) -> bytes:
        raw = await request.read()
        if self.route.body is not None and (raw or request.content_type != "application/octet-stream"):
            _require_json(request)
        return raw

    def _parse_body(self, raw: bytes) -> BaseModel | None:
        if self.route.body is None:
            return None
        try:
            body = self.route.body.model_validate_json(raw or b"{}")
        except ValidationError as error:
            raise from_validation(error) from None
        if _NUL_ESCAPE in raw and (param := _find_nul(from_json(raw))) is not None:
            raise api_error("validation_failed", f"{param}: NUL characters are not allowed", param=param)
        return body

    def _parse_query(self, request: web.Request) -> BaseModel | None:
        if self.route.query is None:
            return None
        given = request.query
        for name in given:
            if len(given.getall(name)) > 1:
                raise api_error("validation_failed", f"{name}: given more than once", param=name)
            if "\0" in given[name]:
                raise api_error("validation_failed", f"{name}: NUL characters are not allowed", param=name)
        try:
            return self.route.query.model_validate(dict(given))
        except ValidationError as error:
            raise from_validation(error) from None

    def _once(self, request: web.Request, caller: Caller, raw: bytes) -> Once | None:
        key = request.headers.get("Idempotency-Key")
        if key is None or self.route.method != "POST":
            return None
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise api_error(
                "validation_failed",
                "Idempotency-Key: 1 to 255 visible ASCII characters",
                param="Idempotency-Key",
            )
        return Once(
            scope=scope_of(caller.org_id, caller.key_id, request.method, request.path, key),
            fingerprint=hashlib.sha256(raw).digest(),
            status=self.route.status,
            render=self._render,
            sealer=self.sealer,
        )

    def _render(self, result: Any) -> bytes:
        return b"" if self.route.answer is None else self.route.render(result).model_dump_json().encode()


async def count(request: web.Request, limits: RateLimits, key_id: str, who: str) -> None:
    """Count a request, and have its answer tell where whoever sent it stands.

    Args:
        request: the request.
        limits: where it is counted.
        key_id: for whom.
        who: what an error calls them.

    Raises:
        ApiError: it is one too many.
    """
    standing = request[STANDING] = await limits.count(key_id)
    if not standing.allowed:
        raise api_error(
            "rate_limited",
            f"{who} made all the requests that it may for now; the next in {standing.seconds} s",
            headers={"Retry-After": str(standing.seconds)},
        )


def _require_json(request: web.Request) -> None:
    if request.content_type != _JSON and not request.content_type.endswith("+json"):
        raise api_error("unsupported_media_type", "send the body as Content-Type: application/json")


def _find_nul(value: Any, path: str = "") -> str | None:
    """Find the first string with a NUL, which PostgreSQL cannot store; answers its path."""
    if isinstance(value, str):
        return path if "\0" in value else None
    if isinstance(value, Mapping):
        if any("\0" in key for key in value):
            return path or "body"
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(str(index), item) for index, item in enumerate(value)]
    else:
        return None
    found = (_find_nul(item, f"{path}.{key}" if path else key) for key, item in items)
    return next((one for one in found if one is not None), None)


def _json(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=body, content_type=_JSON if body else None, headers=headers)


def as_api_error(error: Exception, statuses: Mapping[str, int]) -> ApiError:
    """Turn whatever a handler raised into the error that the caller sees."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, web.HTTPException):
        return _from_http(error)
    if isinstance(error, CodedError):
        status = statuses.get(error.code) or STATUSES[error.code]
        wait = (error.details or {}).get("retry_after")
        headers = None if wait is None else {"Retry-After": str(wait)}
        return ApiError(status, error.code, error.message, param=error.param, details=error.details, headers=headers)
    if isinstance(error, TRANSIENT) and not isinstance(error, UNSTORABLE):
        return api_error("unavailable", "the database is busy or away; try again", headers={"Retry-After": "1"})
    return api_error("internal_error", "something went wrong on our side")


def _from_http(error: web.HTTPException) -> ApiError:
    match error:
        case web.HTTPRequestEntityTooLarge():
            return api_error("body_too_large", "the body is over 256 KiB")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return api_error("method_not_allowed", f"use {allowed}", headers={"Allow": allowed})
        case web.HTTPNotFound():
            return api_error("not_found", "there is nothing at this path")
        case _:
            return ApiError(error.status, "invalid_request", error.reason or "the request is not valid HTTP")


def error_response(error: ApiError, request: web.Request, request_id: str) -> web.Response:
    """Answer an error in the one shape, or in that of the operation's family, or as a page."""
    if ERROR_PAGE in request:
        return request[ERROR_PAGE].render(error)
    refusals = request.get(REFUSALS)
    if refusals is None:
        return _json(error.status, render(error, request_id), error.headers)
    status = refusals.statuses.get(error.code, error.status)
    return _json(status, refusals.render(error).model_dump_json().encode(), error.headers)


def identify(request: web.Request) -> str:
    """Give a request its id: the caller's `X-Request-Id` where it is well-formed, else a new one."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")
    request[REQUEST_ID] = request_id
    trace = request.headers.get("traceparent", "")
    if is_traceparent(trace):
        request[TRACEPARENT] = trace
    return request_id
