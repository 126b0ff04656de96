"""Endpoints that mean harm: each exchange ends within its deadline, holds little, and reaches nothing inside."""

import asyncio
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.outbound import Guard
from devstack.ports import HOST
from support.certificates import Authority
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint, raw_endpoint, read_request, status
from support.names import Names, blocked, post
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind

SECONDS = 2.5
MIB = 2**20
GIB = 2**30
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    one = Sender(Guard(LOOPBACK), seconds=SECONDS, user_agent="Slotwire/test")
    async with one.opened():
        yield one


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_to_the_metadata_of_a_cloud_is_not_followed(sender: Sender, code: int) -> None:
    """Followed, it would be a blocked address; it is an answer instead, and a failed one.

    Standard Webhooks: «`3xx`: Failure. Following redirects causes unnecessary load on both the sender and the receiver,
    it's therefore recommended to update the webhook URL instead.»
    """
    async with endpoint(status(code, Location=METADATA)) as receiver:
        exchange = await sender.post(receiver.url, {}, b"{}")
    assert isinstance(exchange, Answer)
    assert (exchange.status, exchange.headers["location"]) == (code, METADATA)
    assert len(receiver.requests) == 1


async def test_a_body_of_one_byte_a_second_ends_at_the_deadline(sender: Sender) -> None:
    """«One deadline (30 s) over the whole exchange, body included»

    Known faults: «A body that drips pins nothing beyond the deadline, and is cut while it is read.»
    """
    dripped = 0

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dripped
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            dripped += 1
            await asyncio.sleep(1)

    async with raw_endpoint(drip) as url:
        began = time.perf_counter()
        exchange = await sender.post(url, {}, b"{}")
        took = time.perf_counter() - began
    assert isinstance(exchange, Failure)
    assert exchange.kind is FailureKind.TIMEOUT
    assert SECONDS - 0.1 < took < SECONDS + 0.5
    assert dripped in {2, 3}


@pytest.mark.parametrize(
    ("head", "part"),
    [
        pytest.param(b"content-length: %d\r\n\r\n" % GIB, b"x" * 65_536, id="a body of 1 GB"),
        pytest.param(b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n%b\r\n" % (b"x" * 65_536), id="in chunks"),
        pytest.param(b"\r\n", b"x" * 65_536, id="of unknown length"),
        pytest.param(b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000, id="in chunks of a byte"),
        pytest.param(b"x: ", b"x" * 65_536, id="a header without end"),
        pytest.param(b"", b"x: y\r\n" * 10_000, id="headers without end"),
    ],
)
async def test_a_flood_is_cut_off(sender: Sender, head: bytes, part: bytes) -> None:
    """«at most 16 KiB of the response is read»: within the deadline, and in bounded memory

    Known faults: «A body that drips pins nothing beyond the deadline, and is cut while it is read.»
    """
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        while sent < GIB:
            writer.write(part)
            await writer.drain()
            sent += len(part)

    async with raw_endpoint(flood) as url:
        tracemalloc.start()
        began = time.perf_counter()
        try:
            exchange = await sender.post(url, {}, b"{}")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert time.perf_counter() - began < SECONDS + 0.5
        await asyncio.sleep(0.1)
    assert most < 8 * MIB
    assert sent < 64 * MIB  # what the sockets' buffers took
    if isinstance(exchange, Answer):
        assert exchange.body == b"x" * 4096
    else:
        assert exchange.kind in {FailureKind.PROTOCOL, FailureKind.CONNECTION}


async def test_a_name_that_changes_between_check_and_connect_reaches_nothing_inside() -> None:
    """Every look-up that follows a good one leads inside, in each form of an address that a resolver can answer.

    Standard Webhooks: «The main way to protect against SSRF is to prevent the webhooks from calling into internal
    networks and services.»
    """
    async with endpoint() as inside:
        url = inside.url.replace(HOST, "rebinding.example")
        for changed in (
            HOST,
            "::ffff:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "fe80::1%lo",
            "169.254.169.254",
        ):
            guard = Guard((), Names((changed,)))
            assert "is refused" in blocked(await post(guard, url))
        assert inside.requests == []


async def test_a_socket_is_never_made_to_an_address_that_was_not_vetted() -> None:
    """Even where a resolver's answer was let pass, the last step before the connection looks again."""
    guard = Guard(())
    for family, address in (
        (socket.AF_INET, (HOST, 80)),
        (socket.AF_INET, ("169.254.169.254", 80)),
        (socket.AF_INET6, ("::ffff:10.0.0.1", 80, 0, 0)),
        (socket.AF_INET6, ("64:ff9b::a9fe:a9fe", 80, 0, 0)),
        (socket.AF_INET6, ("2002:7f00:1::1", 80, 0, 0)),
        (socket.AF_INET6, ("fe80::1", 80, 0, 1)),
    ):
        with pytest.raises(OSError, match="is refused"):
            guard.socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address))


async def test_a_name_is_vetted_before_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for the name opens no door: the address is what counts."""
    authority = Authority()
    (tmp_path / "trusted.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    async with endpoint(tls=authority.server_context(tmp_path)) as inside:
        assert "loopback" in blocked(await post(Guard((), Names((HOST,))), inside.url.replace(HOST, "hooks.example")))
        assert inside.requests == []


async def test_a_handshake_that_never_ends_is_a_timeout(sender: Sender) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async with raw_endpoint(silent) as url:
        began = time.perf_counter()
        exchange = await sender.post(url.replace("http:", "https:"), {}, b"{}")
    assert isinstance(exchange, Failure)
    assert exchange.kind is FailureKind.TIMEOUT
    assert time.perf_counter() - began < SECONDS + 0.5
