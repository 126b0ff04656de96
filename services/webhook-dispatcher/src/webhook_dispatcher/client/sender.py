"""One HTTP exchange with an endpoint, under one deadline.

Invariants: the deadline spans the whole exchange, the reading of the answer included; at most 16 KiB of an answer are
read, as they come, and never unpacked; redirects are not followed; whatever the other side does, the result is an
`Exchange`.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from webhook_dispatcher.client.guard import BlockedAddressError, Guard
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind, storable

_READ_BYTES = 16 * 1024
_KEPT_BYTES = 4 * 1024
_KEPT_HEADERS = 64
_KEPT_CHARACTERS = 1024
_DETAIL_CHARACTERS = 500
# Shorter than what servers commonly keep idle connections for (5 s and more): a POST on a connection that its server
# is just closing cannot be told from a lost one.
_KEEP_ALIVE_SECONDS = 4.0
_NO_TIMEOUT = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


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
        self._session: ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the session open for the block."""
        connector = TCPConnector(
            resolver=self._guard, socket_factory=self._guard.socket, limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS
        )
        async with ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            headers={"user-agent": self._user_agent},
            skip_auto_headers=("accept-encoding",),
            auto_decompress=False,
            timeout=_NO_TIMEOUT,
        ) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """Post a body and read the answer.

        Raises:
            RuntimeError: the sender is not open.
        """
        if self._session is None:
            raise RuntimeError("the sender is not open")
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.post(_parsed(url), data=body, headers=headers, allow_redirects=False) as response,
            ):
                return await _read(response)
        except TimeoutError:
            return Failure(FailureKind.TIMEOUT, f"no complete answer within {self._seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failure(error)


@functools.lru_cache(maxsize=10_000)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


async def _read(response: ClientResponse) -> Answer:
    chunks: list[bytes] = []
    left = _READ_BYTES
    while left > 0 and (chunk := await response.content.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    if not response.content.at_eof():
        response.close()
    return Answer(response.status, _kept(response), b"".join(chunks)[:_KEPT_BYTES])


def _kept(response: ClientResponse) -> dict[str, str]:
    headers = list(response.headers.items())[:_KEPT_HEADERS]
    return {storable(name.lower()): storable(value[:_KEPT_CHARACTERS]) for name, value in headers}


def _failure(error: Exception) -> Failure:
    kind = FailureKind.PROTOCOL
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, BlockedAddressError):
        kind = FailureKind.BLOCKED
    elif isinstance(error, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError):
        kind = FailureKind.TLS
    elif isinstance(error, aiohttp.ClientConnectionError | OSError):
        kind = FailureKind.CONNECTION
    return Failure(kind, storable(str(cause) or type(cause).__name__)[:_DETAIL_CHARACTERS])
