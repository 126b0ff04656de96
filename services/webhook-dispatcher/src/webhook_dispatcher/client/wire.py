"""One POST over a connection that is kept.

aiohttp's connector resolves, connects, speaks TLS and keeps connections; its protocol parses what comes. What its
session does beside that for every request is left out (cookies, redirects, encodings, traces, a task that writes the
body): none of it is wanted here, and it takes longer than all else that an attempt does.

Invariants: a connection is used again only if its last answer was read to the end and nothing came after it; no text in
a header ends the header.
"""

import asyncio
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import BaseConnector, ClientConnectionError, ClientRequest, ClientTimeout
from aiohttp.connector import Connection
from yarl import URL

from chassis.outbound import read_at_most

_KEPT_TARGETS = 10_000
_SWITCHING, _FINAL = 101, 200
_NO_TIMEOUT = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


# A tuple, as `Answer` is, which is made of it.
class Received(NamedTuple):
    """An answer, with the first bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a URL leads: as the connector wants to know it, and as the first lines of each request tell it."""

    request: ClientRequest
    head: str


class Wire:
    """Posts bodies, and reads so much of each answer.

    Args:
        connector: makes connections and keeps them.
        user_agent: what every request calls itself.
        read_bytes: how much is read of an answer's body.
    """

    def __init__(self, connector: BaseConnector, *, user_agent: str, read_bytes: int) -> None:
        self._connector = connector
        self._user_agent = user_agent
        self._read_bytes = read_bytes
        self._known = functools.lru_cache(maxsize=_KEPT_TARGETS)(self._target)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, context: ssl.SSLContext | None = None
    ) -> Received:
        """Post a body, with the client certificate of a context if one is given.

        Raises:
            aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, ValueError: there is no answer.
        """
        target = self._known(url) if context is None else self._target(url, context)
        request = _head(target.head, headers, len(body)) + body
        connection = await self._connected(target.request)
        try:
            received = await self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        connection.release()  # which closes it unless the answer is at its end
        return received

    async def _connected(self, request: ClientRequest) -> Connection:
        connection = await self._connector.connect(request, [], _NO_TIMEOUT)
        while connection.protocol is not None and connection.protocol.should_close:  # bytes came that nobody asked for
            connection.close()
            connection = await self._connector.connect(request, [], _NO_TIMEOUT)
        return connection

    async def _exchange(self, connection: Connection, request: bytes) -> Received:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise ClientConnectionError("the connection was lost")
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        transport.write(request)
        message, content = await protocol.read()
        while message.code < _FINAL and message.code != _SWITCHING:
            message, content = await protocol.read()
        return Received(message.code, message.headers, await read_at_most(content, self._read_bytes))

    def _target(self, url: str, context: ssl.SSLContext | None = None) -> _Target:
        parsed = URL(url, encoded=True)
        request = ClientRequest(
            "POST", parsed, loop=asyncio.get_running_loop(), ssl=True if context is None else context
        )
        line = f"POST {parsed.raw_path_qs} HTTP/1.1\r\nHost: {parsed.host_port_subcomponent}\r\n"
        return _Target(request, f"{line}user-agent: {self._user_agent}\r\n")


def _head(first: str, headers: Mapping[str, str], length: int) -> bytes:
    """Write all lines before the body.

    Raises:
        ValueError: a header would end before its end.
    """
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if "accept" not in map(str.lower, headers):
        lines.append("Accept: */*")
    head = "\r\n".join(lines)
    if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header holds what would end it")
    return f"{first}{head}\r\nContent-Length: {length}\r\n\r\n".encode()
