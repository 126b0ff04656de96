"""One HTTP exchange with an endpoint, under one deadline.

Invariants: the deadline spans the whole exchange, the request for a token before it and the reading of the answer
included; at most 16 KiB of an answer are read, as they come, and never unpacked; redirects are not followed; whatever
the other side does, the result is an `Exchange`.
"""

import itertools
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import assert_never

import aiohttp
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.http import HttpProcessingError

from chassis.outbound import Guard
from webhook_dispatcher.client.certificates import Contexts, tls_context
from webhook_dispatcher.client.deadline import Deadline
from webhook_dispatcher.client.responses import failure_of
from webhook_dispatcher.client.tokens import TokenError, Tokens
from webhook_dispatcher.client.wire import Received, Wire
from webhook_dispatcher.domain.auth import Auth, ClientCertificate, ClientCredentials
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind, storable

_READ_BYTES = 16 * 1024
_KEPT_BYTES = 4 * 1024
_KEPT_HEADERS = 64
_KEPT_CHARACTERS = 1024
# Shorter than what servers commonly keep idle connections for (5 s and more): a POST on a connection that its server
# is just closing cannot be told from a lost one.
_KEEP_ALIVE_SECONDS = 4.0
_TOKEN_SECONDS = 10.0  # for a token at most, and no more than a third of what the whole has
_UNAUTHORIZED = 401
_NO_TIMEOUT = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    headers: Mapping[str, str] = field(repr=False)  # a token may be among them
    body: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    """What an open sender has."""

    wire: Wire
    tokens: Tokens
    deadline: Deadline


class Sender:
    """Posts bodies over one shared session, which is open as long as `opened` is entered.

    Args:
        guard: resolves names and makes sockets.
        seconds: the deadline of one exchange.
        user_agent: what every request calls itself.
    """

    def __init__(self, guard: Guard, *, seconds: float, user_agent: str) -> None:
        self._guard = guard
        self._seconds = seconds
        self._user_agent = user_agent
        self._contexts = Contexts()
        self._line: _Line | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the session open for the block."""
        connector = TCPConnector(
            resolver=self._guard,
            socket_factory=self._guard.socket,
            ssl=tls_context(),
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
        )
        async with ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            headers={"user-agent": self._user_agent},
            skip_auto_headers=("accept-encoding",),
            auto_decompress=False,
            timeout=_NO_TIMEOUT,
        ) as session:
            tokens = Tokens(session, seconds=min(_TOKEN_SECONDS, self._seconds / 3), timer=time.monotonic)
            wire = Wire(connector, user_agent=self._user_agent, read_bytes=_READ_BYTES)
            self._line = _Line(wire, tokens, Deadline(self._seconds))
            try:
                yield
            finally:
                self._line = None
                await tokens.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, auth: Auth | None = None) -> Exchange:
        """Post a body and read the answer.

        Args:
            url: where to.
            headers: what is sent beside the sender's own headers.
            body: the bytes to send.
            auth: what the endpoint asks for.

        Raises:
            RuntimeError: the sender is not open.
        """
        if self._line is None:
            raise RuntimeError("the sender is not open")
        try:
            with self._line.deadline.kept():
                return await self._proven(self._line, _Request(url, headers, body), auth)
        except TimeoutError:
            return Failure(FailureKind.TIMEOUT, f"no complete answer within {self._seconds:g} s")
        except TokenError as error:
            return Failure(FailureKind.OAUTH, storable(str(error)))
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            return failure_of(error)

    async def _proven(self, line: _Line, request: _Request, auth: Auth | None) -> Answer:
        match auth:
            case None:
                return await _exchange(line, request)
            case ClientCertificate():
                return await _exchange(line, request, await self._contexts.get(auth))
            case ClientCredentials():
                return await _with_token(line, request, auth)
            case _:
                assert_never(auth)


async def _with_token(line: _Line, request: _Request, credentials: ClientCredentials) -> Answer:
    """Post with a token; one that the endpoint refuses may have been revoked, so another is asked for once."""
    token = await line.tokens.get(credentials)
    answer = await _exchange(line, _bearing(request, token))
    if answer.status != _UNAUTHORIZED:
        return answer
    token = await line.tokens.get(credentials, other_than=token)
    return await _exchange(line, _bearing(request, token))


async def _exchange(line: _Line, request: _Request, context: ssl.SSLContext | None = None) -> Answer:
    received = await line.wire.post(request.url, request.headers, request.body, context)
    return Answer(received.status, _kept(received), received.body[:_KEPT_BYTES])


def _bearing(request: _Request, token: str) -> _Request:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})


def _kept(received: Received) -> dict[str, str]:
    headers = itertools.islice(received.headers.items(), _KEPT_HEADERS)
    return {storable(name.lower()): storable(value[:_KEPT_CHARACTERS]) for name, value in headers}
