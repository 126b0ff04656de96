"""Ways, between a client and a server of the test's own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chaos.ways import Way
from devstack.ports import HOST, free_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    server = await asyncio.start_server(echo, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def led(*ends: int) -> AsyncIterator[Way]:
    async with Way("here>there", lambda: ends).opened() as way:
        yield way


@asynccontextmanager
async def come(way: Way) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(HOST, way.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def asked_once(way: Way, data: bytes) -> bytes:
    async with come(way) as there:
        return await asked(there, data)


async def asked(streams: Streams, data: bytes) -> bytes:
    """Send, and read as much; less at an end."""
    reader, writer = streams
    try:
        writer.write(data)
        await writer.drain()
        return await reader.readexactly(len(data))
    except asyncio.IncompleteReadError as error:
        return error.partial
    except OSError:
        return b""


async def test_what_passes_is_passed_on_unchanged_and_in_order() -> None:
    data = bytes(range(256)) * 4000
    async with echoing() as port, led(port) as way:
        found = await asyncio.gather(*(asked_once(way, data) for _ in range(3)))
    assert found == [data] * 3


async def test_an_end_is_passed_on() -> None:
    async with echoing() as port, led(port) as way, come(way) as (reader, writer):
        writer.write(b"last words")
        writer.write_eof()
        assert await reader.read() == b"last words"


async def test_a_cut_ends_who_is_there_and_whoever_comes() -> None:
    async with echoing() as port, led(port) as way, come(way) as there:
        assert await asked(there, b"one") == b"one"
        way.cut()
        assert await asked(there, b"two") == b""
        assert await asked_once(way, b"three") == b""
        way.mend()
        assert await asked_once(way, b"four") == b"four"


async def test_a_slow_way_holds_up_each_piece() -> None:
    async with echoing() as port, led(port) as way, come(way) as there:
        way.slow(0.2)
        began = time.monotonic()
        assert await asked(there, b"one") == b"one"
        assert 0.4 <= time.monotonic() - began < 2  # there and back
        way.mend()
        began = time.monotonic()
        assert await asked(there, b"two") == b"two"
        assert time.monotonic() - began < 0.2


async def test_what_stands_still_passes_when_the_way_is_mended() -> None:
    async with echoing() as port, led(port) as way, come(way) as there:
        way.slow(0)
        waiting = asyncio.create_task(asked(there, b"one"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        way.mend()
        assert await waiting == b"one"


async def test_who_comes_is_led_to_an_end_that_is_there() -> None:
    async with echoing() as port, led(free_port(), port) as way:
        assert [await asked_once(way, b"one") for _ in range(8)] == [b"one"] * 8


async def test_a_way_whose_ends_are_gone_is_an_abort() -> None:
    async with led(free_port()) as way:
        assert await asked_once(way, b"one") == b""
