"""What operators see: health, readiness, metrics, and the middleware that gives every request its id, time and error.

Invariant: `/healthz` answers as long as the process runs; `/readyz` only while all that the service needs answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from structlog.contextvars import bound_contextvars

from chassis import tracing
from chassis.tracing import Kind, Span
from chassis.web.endpoint import STANDING, TRACEPARENT, as_api_error, error_response, identify

_log = structlog.get_logger(__name__)
# As the semantic conventions of OpenTelemetry name and label them, so that dashboards of others fit.
_SECONDS = Histogram(
    "http_server_request_duration_seconds",
    "Time from a request's head to its answer.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_ACTIVE = Gauge("http_server_active_requests", "Requests that are being answered.")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500
_OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})

Check = Callable[[], Awaitable[bool]]


def answering(statuses: Mapping[str, int]) -> Middleware:
    """Make the outermost middleware: request id, trace, limits told, one error shape, one measure, one log line."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request_id = identify(request)
        with _ACTIVE.track_inprogress(), bound_contextvars(request_id=request_id), _traced(request, request_id) as span:
            response = await _answered(request, handler, statuses, request_id)
            _tell(span, response.status)
            seconds = time.perf_counter() - started
            _SECONDS.labels(_method(request), _route(request), response.status).observe(seconds)
            _log.debug("request", method=request.method, path=_logged(request), status=response.status, seconds=seconds)
        return response

    return middleware


async def _answered(
    request: web.Request, handler: Handler, statuses: Mapping[str, int], request_id: str
) -> web.StreamResponse:
    """Answer a request, and put into the head what every answer tells."""
    try:
        response = await handler(request)
    except Exception as error:  # noqa: BLE001 - every error is answered, in one shape
        told = as_api_error(error, statuses)
        response = error_response(told, request, request_id)
        if told.status >= _SERVER_ERROR:
            _log.error("request_failed", path=_logged(request), exc_info=error)
    response.headers["X-Request-Id"] = request_id
    response.headers["X-Content-Type-Options"] = "nosniff"  # what others wrote is in answers, and is never a page
    if TRACEPARENT in request:
        response.headers["traceparent"] = request[TRACEPARENT]
    if STANDING in request:
        response.headers.update(request[STANDING].headers)
    return response


@contextmanager
def _traced(request: web.Request, request_id: str) -> Iterator[Span | None]:
    """Make a span of a request, from which follows what follows from the request; not of a probe: they are too many."""
    if request.path in _OPERATIONS:
        yield None
        return
    method, route = _method(request), _route(request)
    attributes = {
        "http.request.method": method,
        "http.route": route,
        "url.path": _logged(request),
        "slotwire.request.id": request_id,
    }
    with tracing.span(f"{method} {route}", Kind.SERVER, request.get(TRACEPARENT), attributes) as span:
        if span.traceparent is not None:
            request[TRACEPARENT] = span.traceparent
        yield span


def _tell(span: Span | None, status: int) -> None:
    if span is not None:
        span.set("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            span.fail(str(status))


def _method(request: web.Request) -> str:
    """Answer the method as measures have it: of those that nobody knows there may be any number."""
    return request.method if request.method in _METHODS else "_OTHER"


def _logged(request: web.Request) -> str:
    """Answer the path as logs may have it.

    One with a token opens what the token is for, and is told by its pattern. So is one that no route takes: nobody
    knows what stands in it, and a token with a wrong method or a slash behind it is as good as any.
    """
    is_known = request.match_info.route.resource is not None and "token" not in request.match_info
    return request.path if is_known else _route(request)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def add_operations(app: web.Application, checks: Mapping[str, Check]) -> None:
    """Add `/healthz`, `/readyz` and `/metrics`.

    Args:
        app: the application.
        checks: what readiness needs, by name; each tells whether it answers now.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        answers = await asyncio.gather(*(check() for check in checks.values()))
        told = dict(zip(checks, answers, strict=True))
        ok = all(told.values())
        return web.json_response({"status": "ok" if ok else "unavailable", "checks": told}, status=200 if ok else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
