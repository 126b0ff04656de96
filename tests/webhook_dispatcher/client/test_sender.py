"""Whatever the other side does, within the deadline there is an `Exchange`, and little of it is read."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from chassis.outbound import Guard
from devstack.ports import free_port
from support.dispatcher import LOOPBACK
from support.endpoints import Talk, endpoint, hanging, raw_endpoint, read_request, status
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind

SECONDS = 0.5


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    one = Sender(Guard(LOOPBACK), seconds=SECONDS, user_agent="Slotwire/test")
    async with one.opened():
        yield one


def saying(*parts: bytes, pause: float = 0.0) -> Talk:
    """Read a request, then say something, a pause after each part."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


async def failure(sender: Sender, url: str) -> FailureKind:
    began = time.perf_counter()
    exchange = await sender.post(url, {}, b"{}")
    assert time.perf_counter() - began < SECONDS + 0.5
    assert isinstance(exchange, Failure), exchange
    assert exchange.detail
    return exchange.kind


async def test_a_hanging_endpoint_is_a_timeout(sender: Sender) -> None:
    async with endpoint(hanging) as receiver:
        assert await failure(sender, receiver.url) is FailureKind.TIMEOUT


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
async def test_the_deadline_spans_the_whole_exchange_a_dripping_body_included(sender: Sender, first: bytes) -> None:
    """«One deadline (30 s) over the whole exchange, body included»"""
    async with raw_endpoint(saying(first, *[b"x"] * 1000, pause=0.05)) as url:
        assert await failure(sender, url) in {FailureKind.TIMEOUT, FailureKind.PROTOCOL}


async def test_a_dripping_body_of_a_2xx_is_a_timeout(sender: Sender) -> None:
    """Webhook rules: «any 2xx within 30 s (the whole exchange) | delivered»"""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    async with raw_endpoint(saying(head, *[b"x"] * 1000, pause=0.05)) as url:
        assert await failure(sender, url) is FailureKind.TIMEOUT


async def test_at_most_16_kib_of_a_huge_body_are_read(sender: Sender) -> None:
    """«at most 16 KiB of the response is read»"""
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            written += 65_536

    async with raw_endpoint(flood) as url:
        exchange = await sender.post(url, {}, b"{}")
        assert isinstance(exchange, Answer)
        assert (exchange.status, exchange.body) == (200, b"x" * 4096)
        await asyncio.sleep(0.1)
    assert written < 50_000_000  # what fits into the sockets' buffers; the connection was closed


async def test_a_compressed_body_is_not_unpacked(sender: Sender) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nbomb"
    async with raw_endpoint(saying(head)) as url:
        exchange = await sender.post(url, {}, b"{}")
        assert isinstance(exchange, Answer)
        assert exchange.body == b"bomb"


async def test_redirects_are_answers_and_not_followed(sender: Sender) -> None:
    """«redirects are failures»"""
    async with endpoint() as elsewhere, endpoint(status(307, Location=elsewhere.url)) as receiver:
        exchange = await sender.post(receiver.url, {}, b"{}")
        assert isinstance(exchange, Answer)
        assert exchange.status == 307
    assert elsewhere.requests == []


async def test_no_cookie_comes_back_and_no_encoding_is_asked_for(sender: Sender) -> None:
    async with endpoint(status(204, Set_Cookie="a=b; Path=/")) as receiver:
        for _ in range(2):
            await sender.post(receiver.url, {"content-type": "application/json"}, b"{}")
    for request in receiver.requests:
        assert "cookie" not in request.headers
        assert "accept-encoding" not in request.headers
        assert request.headers["user-agent"] == "Slotwire/test"


async def test_no_proxy_of_the_environment_is_used(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with endpoint() as receiver:
        assert isinstance(await sender.post(receiver.url, {}, b"{}"), Answer)


async def test_nobody_listening_is_a_connection_error(sender: Sender) -> None:
    assert await failure(sender, f"http://127.0.0.1:{free_port()}/") is FailureKind.CONNECTION


async def test_a_server_that_hangs_up_is_a_connection_error(sender: Sender) -> None:
    async with raw_endpoint(saying()) as url:
        assert await failure(sender, url) is FailureKind.CONNECTION


async def test_a_plain_server_behind_https_is_a_tls_error(sender: Sender) -> None:
    async with endpoint() as receiver:
        assert await failure(sender, receiver.url.replace("http:", "https:")) is FailureKind.TLS


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: minus\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"\x00\xff" * 100,
    ],
)
async def test_what_is_no_http_is_a_failure(sender: Sender, said: bytes) -> None:
    async with raw_endpoint(saying(said)) as url:
        assert await failure(sender, url) in {FailureKind.PROTOCOL, FailureKind.CONNECTION}


async def test_strange_headers_are_kept_in_a_form_that_can_be_stored(sender: Sender) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Odd: caf\xe9 \xff\r\nX-Long: " + b"y" * 5000 + b"\r\ncontent-length: 0\r\n\r\n"
    async with raw_endpoint(saying(head)) as url:
        exchange = await sender.post(url, {}, b"{}")
    assert isinstance(exchange, Answer)
    assert exchange.headers["x-odd"].encode()
    assert len(exchange.headers["x-long"]) == 1024


async def test_connections_are_kept_and_used_again(sender: Sender) -> None:
    """Known faults: «Connections are kept and used again.»"""
    connections = 0

    async def serve_two(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async with raw_endpoint(serve_two) as url:
        for _ in range(2):
            assert isinstance(await sender.post(url, {}, b"{}"), Answer)
    assert connections == 1
