"""The gateway: one port in front of all services, as Caddy is in Compose.

Invariant: bodies pass in both directions as they come, in chunks and unchanged; a service that is away is a 502 in the
API's error shape, one that has the request and says nothing for `READ_TIMEOUT` a 504, and never a hanging request. What
only services say to each other does not come in from outside, and what they tell operators does not go out.
"""

import asyncio
from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from chassis.identity import ORGANIZATION_HEADER
from chassis.web.endpoint import identify
from chassis.web.errors import ApiError, render

PATHS = {
    "/api/v1/waitlist": "waitlist",
    "/platform/v1/scheduling/waitlist": "waitlist",
    "/w": "waitlist",
    "/api/v1/webhooks": "webhook-dispatcher",
    "/api/bookings/sync-calcom": "calcom-sync",
    "/api/v1/integrations/calcom": "calcom-sync",
}
"""Which service answers a path and all below it; booking answers every other."""

INTERNAL = frozenset({"/metrics"})
"""What a service answers to operators alone, who ask it itself."""

SERVICES = "/services/"
DESCRIPTION = "/openapi.json"
CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 60.0  # seconds without a byte of the answer
CHUNK = 64 * 1024
ADDED_BY_CLIENT = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
# RFC 9110, section 7.6.1; `Expect` was answered by this server already.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

SERVICE_URLS = web.AppKey("service_urls", dict[str, str])
TIMEOUT = web.AppKey("timeout", aiohttp.ClientTimeout)
SESSION = web.AppKey("session", aiohttp.ClientSession)


@dataclass(frozen=True)
class Target:
    """Where a request goes: the service's base URL, the path there, and the prefix that was taken off."""

    service: str
    path: str
    prefix: str = ""


def route(path: str, services: Container[str]) -> Target | None:
    """Which service answers an encoded path; None when `/services/<name>` names none of `services`."""
    if path.startswith(SERVICES):
        name, _, rest = path.removeprefix(SERVICES).partition("/")
        return Target(name, f"/{rest}", f"{SERVICES}{name}") if name in services else None
    owners = (service for prefix, service in PATHS.items() if path == prefix or path.startswith(f"{prefix}/"))
    return Target(next(owners, "booking"), path)


async def forward(request: web.Request) -> web.StreamResponse:
    """Pass a request on to its service and the answer back."""
    services = request.app[SERVICE_URLS]
    if ORGANIZATION_HEADER in request.headers:
        return _error(request, ApiError(403, "forbidden", f"{ORGANIZATION_HEADER}: must not come from outside"))
    target = route(request.rel_url.raw_path, services)
    if target is None:
        return _error(request, ApiError(404, "not_found", "no such service"))
    if unquote(target.path) in INTERNAL:
        return _error(request, ApiError(404, "not_found", "there is nothing at this path"))
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    try:
        answer = await request.app[SESSION].request(
            request.method,
            URL(f"{services[target.service]}{target.path}{query}", encoded=True),
            headers=_request_headers(request, target),
            skip_auto_headers=ADDED_BY_CLIENT,
            data=request.content.iter_chunked(CHUNK) if request.can_read_body else None,
            allow_redirects=False,
        )
    except aiohttp.SocketTimeoutError:
        return _error(request, ApiError(504, "gateway_timeout", f"the service {target.service} did not answer in time"))
    except (aiohttp.ClientError, TimeoutError):
        return _error(request, ApiError(502, "bad_gateway", f"the service {target.service} does not answer"))
    async with answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers))
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def describe(_: web.Request) -> web.FileResponse:
    """Answer what all services do together; each tells of itself alone below `/services/<name>`."""
    return web.FileResponse(await asyncio.to_thread(_document))


def create_gateway(services: Mapping[str, str], read_timeout: float = READ_TIMEOUT) -> web.Application:
    """The gateway's application.

    Args:
        services: base URLs by service name.
        read_timeout: for how many seconds a service that has a request may say nothing.
    """
    app = web.Application()
    app[SERVICE_URLS] = dict(services)
    app[TIMEOUT] = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=read_timeout)
    app.cleanup_ctx.append(_connected)
    app.router.add_get(DESCRIPTION, describe)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


def _document() -> Path:
    from devstack.openapi import DOCUMENT  # noqa: PLC0415 - the contracts take `up` half a second to import

    return DOCUMENT


async def _connected(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=app[TIMEOUT], auto_decompress=False) as session:
        app[SESSION] = session
        yield


def _request_headers(request: web.Request, target: Target) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    headers["X-Forwarded-For"] = request.remote or "unknown"
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    if target.prefix:
        headers["X-Forwarded-Prefix"] = target.prefix
    return headers


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers without those of this connection, which are the fixed ones and what `Connection` names."""
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ()) for name in value.split(",")}
    dropped = HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def _error(request: web.Request, error: ApiError) -> web.Response:
    request_id = identify(request)
    response = web.Response(body=render(error, request_id), status=error.status, content_type="application/json")
    response.headers["X-Request-Id"] = request_id
    return response
