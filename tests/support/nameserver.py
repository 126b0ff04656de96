"""A nameserver on this machine that answers, refuses or ignores names by how they begin."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from devstack.ports import HOST

_HEADER = 12
_A = 1
_ANSWERED, _UNKNOWN = 0x8180, 0x8183
_POINTER_TO_QUESTION = 0xC00C
_INTERNET = 1


class Nameserver(asyncio.DatagramProtocol):
    """Leads every name to this machine, and has no IPv6; `hang…` is ignored, `lost…` does not exist."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()  # IPv4 addresses of names
        self.address = ""
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = f"{HOST}:{transport.get_extra_info('sockname')[1]}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        labels, end = [], _HEADER
        while length := data[end]:
            labels.append(data[end + 1 : end + 1 + length].decode().lower())
            end += 1 + length
        name, (kind,) = ".".join(labels), struct.unpack_from("!H", data, end + 1)
        self.asked[name] += kind == _A
        if name.startswith("hang"):
            return
        is_known = not name.startswith("lost")
        found = b""
        if is_known and kind == _A:
            found = struct.pack("!HHHIH4s", _POINTER_TO_QUESTION, _A, _INTERNET, 0, 4, socket.inet_aton(HOST))
        flags = _ANSWERED if is_known else _UNKNOWN
        head = data[:2] + struct.pack("!HHHHH", flags, 1, bool(found), 0, 0)
        self._transport.sendto(head + data[_HEADER : end + 5] + found, addr)


@asynccontextmanager
async def nameserver() -> AsyncIterator[Nameserver]:
    """Run one on a free port for the block."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Nameserver, local_addr=(HOST, 0))
    try:
        yield server
    finally:
        transport.close()
