"""What goes over a connection, and when it is used again."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import TCPConnector

from support.endpoints import endpoint, raw_endpoint, read_request
from webhook_dispatcher.client.wire import Wire

READ_BYTES = 1_000


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with TCPConnector() as connector:
        yield Wire(connector, user_agent="Slotwire/test", read_bytes=READ_BYTES)


class Server:
    """Says the same on every connection, to each request; the second thing comes unasked after the first."""

    def __init__(self, said: bytes, after: bytes = b"") -> None:
        self._said = said
        self._after = after
        self.requests: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.requests.append(await read_request(reader))
            writer.write(self._said)
            await writer.drain()
            if self._after:
                await asyncio.sleep(0.02)
                writer.write(self._after)


async def test_a_request_is_what_was_given_and_nothing_more(wire: Wire) -> None:
    server = Server(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with raw_endpoint(server.talk) as url:
        received = await wire.post(f"{url}?a=%20b", {"webhook-id": "dlv_1", "X-Mine": "yes"}, b'{"a":1}')
    assert (received.status, received.body) == (204, b"")
    host = url.removeprefix("http://").removesuffix("/hook")
    assert server.requests == [
        b"POST /hook?a=%20b HTTP/1.1\r\n"
        b"Host: " + host.encode() + b"\r\n"
        b"user-agent: Slotwire/test\r\n"
        b"webhook-id: dlv_1\r\n"
        b"X-Mine: yes\r\n"
        b"Accept: */*\r\n"
        b"Content-Length: 7\r\n"
        b'\r\n{"a":1}'
    ]


async def test_a_header_of_ones_own_takes_the_place_of_accept(wire: Wire) -> None:
    async with endpoint() as receiver:
        await wire.post(receiver.url, {"Accept": "text/plain"}, b"{}")
    assert receiver.requests[0].headers["accept"] == "text/plain"


@pytest.mark.parametrize("value", ["a\r\nwebhook-id: dlv_2", "a\nb: c", "a\rb: c", "a\0b"])
@pytest.mark.parametrize("is_name", [True, False])
async def test_what_would_end_a_header_is_not_sent(wire: Wire, value: str, *, is_name: bool) -> None:
    async with endpoint() as receiver:
        with pytest.raises(ValueError, match="header"):
            await wire.post(receiver.url, {value: "x"} if is_name else {"x": value}, b"{}")
        assert receiver.requests == []


async def test_what_comes_before_the_answer_is_passed_over(wire: Wire) -> None:
    server = Server(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    async with raw_endpoint(server.talk) as url:
        for _ in range(2):
            received = await wire.post(url, {}, b"{}")
            assert (received.status, received.body) == (200, b"ok")
    assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ],
)
async def test_a_connection_is_used_again_only_after_the_end_of_an_answer(wire: Wire, said: bytes) -> None:
    server = Server(said)
    async with raw_endpoint(server.talk) as url:
        for _ in range(2):
            received = await wire.post(url, {}, b"{}")
            assert len(received.body) <= READ_BYTES
    assert server.connections == 2


async def test_what_comes_unasked_answers_no_other_request(wire: Wire) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")
    async with raw_endpoint(server.talk) as url:
        assert (await wire.post(url, {}, b"{}")).status == 200
        await asyncio.sleep(0.1)
        assert (await wire.post(url, {}, b"{}")).status == 200
    assert server.connections == 2


async def test_an_answer_before_the_end_of_the_request_is_one(wire: Wire) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with raw_endpoint(refuse) as url:
        assert (await wire.post(url, {}, b"x" * 8_000_000)).status == 413


async def test_a_cancelled_exchange_leaves_no_connection_behind(wire: Wire) -> None:
    closed = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()
        closed.set()

    async with raw_endpoint(wait) as url:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wire.post(url, {}, b"{}")
        async with asyncio.timeout(1):
            await closed.wait()


async def test_a_server_that_hangs_up_is_told(wire: Wire) -> None:
    async with raw_endpoint(_hang_up) as url:
        with pytest.raises(aiohttp.ClientConnectionError):
            await wire.post(url, {}, b"{}")


async def _hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await read_request(reader)
