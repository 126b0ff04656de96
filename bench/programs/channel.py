"""HTTP/1.1 by hand, over one keep-alive connection with one request under way: a client that is never the bottleneck.

Invariant: an answer is told once, whole, when its last byte is here; a connection that is lost is an error.
"""

import asyncio
import re
from typing import Self, cast

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)  # of "HTTP/1.1 201 Created"


class Channel(asyncio.Protocol):
    """A connection."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def connected(cls, host: str, port: int) -> Self:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        _, channel = await asyncio.get_running_loop().create_connection(cls, host, port)
        return channel

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request and wait for the status and body of its answer.

        Raises:
            ConnectionError: the server closed the connection.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the server closed a connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the server closed a connection ({exc})"))

    def data_received(self, data: bytes) -> None:
        """Gather an answer, and tell it when it is whole."""
        self._received += data
        head, _, body = self._received.partition(_END_OF_HEAD)
        length = _LENGTH.search(head)
        if length is not None and len(body) >= int(length[1]) and self._answer is not None:
            self._received = b""
            self._answer.set_result((int(head[_STATUS]), body))


def request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    """Write a request; `headers` are whole lines."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
