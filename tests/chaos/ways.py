"""A way between two parts of the system, on which connections are cut and slowed: a TCP proxy of its own.

Of the libraries for it, the one that is well kept (Toxiproxy) is a server that needs another language's tools, and the
Python ones cannot change a way while connections are on it.

Invariant: what passes is passed on unchanged and in order, or the connection is aborted at both ends.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from devstack.ports import HOST, free_port

_CHUNK = 64 * 1024
_CONNECT_SECONDS = 5.0

Ends = Callable[[], Sequence[int]]
"""Tells the ports to which a way leads; whoever comes is led to one of them."""


class Way:
    """One way; `port` is where it begins.

    Args:
        name: as faults call it, such as `booking-0>postgres`.
        ends: where it leads.
    """

    def __init__(self, name: str, ends: Ends) -> None:
        self.name = name
        self.port = free_port()
        self._ends = ends
        self._passes = asyncio.Event()
        self._passes.set()
        self._delay = 0.0
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._leading: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """`host:port` of its beginning."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Its beginning, for HTTP."""
        return f"http://{self.address}"

    def cut(self) -> None:
        """Abort all connections, and whoever comes."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def slow(self, seconds: float) -> None:
        """Hold each piece of data up for so long; 0 lets nothing pass at all, and aborts nothing."""
        self._delay = seconds
        if not seconds:
            self._passes.clear()

    def mend(self) -> None:
        """Let everything pass again, what was held up first."""
        self._is_cut, self._delay = False, 0.0
        self._passes.set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Way"]:
        """Lead whoever comes, for the block."""
        server = await asyncio.start_server(self._come, HOST, self.port)
        try:
            yield self
        finally:
            server.close()
            self.cut()
            self._passes.set()
            await asyncio.gather(*self._leading)

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leading = asyncio.get_running_loop().create_task(self._lead(reader, writer))
        self._leading.add(leading)
        leading.add_done_callback(self._leading.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None if self._is_cut else await self._connected()
        if there is None or self._is_cut:
            for one in (writer, *([there[1]] if there else [])):
                one.transport.abort()
            return
        writers = {writer, there[1]}
        self._open |= writers
        try:
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._open -= writers
            for one in writers:
                one.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        ends = list(self._ends())
        for port in random.sample(ends, len(ends)):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await asyncio.open_connection(HOST, port)
        return None

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one direction on to its end, which is told to the other side too."""
        try:
            while data := await reader.read(_CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()
