"""The receiver of webhooks, the same for the dispatcher and its reference, as cheap as Python makes it.

It answers a POST with 200 and notes when it was here whole; `GET /count` answers how many came, `GET /arrivals` lists
and forgets them. A POST to `/hang` is never answered, one to `/fail` is answered 500, and neither is noted. It may be
reached at several hosts, so that each endpoint has connections of its own.

Invariant: a request's time is taken when its last byte is here, before it is answered.
"""

import asyncio
import gc
import json
import re
import sys
import time
from typing import cast

import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RESOURCE = re.compile(rb'"resourceId":"([^"]*)"')
_HANG, _FAIL = b"POST /hang", b"POST /fail"
_ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_NOTED_BYTES = 400  # of a body: the ids stand in its beginning

_arrivals: list[tuple[int, bytes]] = []


class Endpoint(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        head, end, body = self._received.partition(_END_OF_HEAD)
        length = _LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if self._transport is None or head.startswith(_HANG):
            return
        if head.startswith(_FAIL):
            self._transport.write(_FAILED)
        elif head.startswith(b"POST"):
            _arrivals.append((time.time_ns(), body[:_NOTED_BYTES]))
            self._transport.write(_ACCEPTED)
        else:
            told = _told(head)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told))


def _told(head: bytes) -> bytes:
    if head.startswith(b"GET /count"):
        return b"%d" % len(_arrivals)
    listed = [(_resource(body), at // 1000) for at, body in _arrivals]
    _arrivals.clear()
    return json.dumps(listed).encode()


def _resource(body: bytes) -> str:
    found = _RESOURCE.search(body)
    return found[1].decode() if found else ""


def host(number: int) -> str:
    """Name one of its hosts, from 0 on."""
    return f"127.0.0.{1 + number}"


async def _serve(port: int, hosts: int) -> None:
    server = await asyncio.get_running_loop().create_server(Endpoint, [host(number) for number in range(hosts)], port)
    gc.disable()  # nothing here makes cycles, and what is noted grows
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
