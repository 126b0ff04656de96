"""Endpoints of subscribers that behave badly, each a real server on loopback."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from devstack.ports import HOST
from support.serving import serving

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """One request as it came; `client` is the common name of the certificate that was shown with it."""

    at: float
    headers: dict[str, str]
    body: bytes
    client: str | None = None


@dataclass
class Endpoint:
    """A server that answers as told and remembers what came."""

    answer: Callable[["Endpoint"], web.Response | Awaitable[web.Response]]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(time.perf_counter(), headers, await request.read(), _client(request)))
        self.came.set()
        answered = self.answer(self)
        return answered if isinstance(answered, web.Response) else await answered


def status(*codes: int, **headers: str) -> Callable[[Endpoint], web.Response]:
    """Answer with these statuses, the last of them for ever; underscores in names of headers stand for hyphens."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda endpoint: web.Response(status=codes[min(len(endpoint.requests), len(codes)) - 1], headers=told)


async def hanging(_: Endpoint) -> web.Response:
    """Never answer."""
    await asyncio.sleep(60)
    return web.Response()


ACCEPTING = status(204)


def _client(request: web.Request) -> str | None:
    shown = None if request.transport is None else request.transport.get_extra_info("peercert")
    return dict(pair for part in shown["subject"] for pair in part)["commonName"] if shown else None


@asynccontextmanager
async def endpoint(
    answer: Callable[[Endpoint], web.Response | Awaitable[web.Response]] = ACCEPTING,
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Endpoint]:
    """Listen on a free port of loopback for the block."""
    told = Endpoint(answer)
    async with serving("/hook", told.take, tls=tls) as origin:
        told.url = f"{origin}/hook"
        yield told


@asynccontextmanager
async def raw_endpoint(talk: Talk) -> AsyncIterator[str]:
    """Listen on a free port of loopback, speaking bytes; answers the URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}/hook"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read a request's head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)
