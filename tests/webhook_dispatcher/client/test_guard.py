"""«the resolver vets every address …, IP literals too, and connects to the vetted address (no rebinding)»"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from devstack.ports import HOST
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint
from webhook_dispatcher.client.guard import Guard
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind
from webhook_dispatcher.domain.urls import parse_url


class Names(AbstractResolver):
    """Answers each look-up of a name with the next of the given sets of addresses."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = iter(answers)
        self.asked = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the base class's signature
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            {"hostname": host, "host": one, "port": port, "family": _family(one), "proto": 0, "flags": 0}
            for one in next(self._answers)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@asynccontextmanager
async def sending(guard: Guard) -> AsyncIterator[Sender]:
    sender = Sender(guard, seconds=2.0, user_agent="Slotwire/test")
    async with sender.opened():
        yield sender


async def post(guard: Guard, url: str) -> Exchange:
    async with sending(guard) as sender:
        return await sender.post(url, {"content-type": "application/json"}, b"{}")


def blocked(exchange: Exchange) -> str:
    assert isinstance(exchange, Failure)
    assert exchange.kind is FailureKind.BLOCKED
    return exchange.detail


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[64:ff9b::7f00:1]"],
)
async def test_an_ip_literal_is_vetted_although_it_is_never_resolved(host: str) -> None:
    assert "is refused" in blocked(await post(Guard(()), f"http://{host}:9/"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
async def test_odd_forms_of_an_address_reach_nothing(host: str) -> None:
    exchange = await post(Guard(()), f"http://{host}:9/")
    assert isinstance(exchange, Failure)


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("2606:4700::1111", "fd00::1"), ("169.254.169.254",)]
)
async def test_a_name_with_one_bad_address_is_refused_whole(addresses: tuple[str, ...]) -> None:
    assert "is refused" in blocked(await post(Guard((), Names(addresses)), "http://hooks.example:9/"))


async def test_a_name_that_changes_its_mind_is_never_followed_inside() -> None:
    """Vetted as public at creation, it then resolves to loopback, where a server listens."""
    async with endpoint() as inside:
        names = Names(("8.8.8.8",), (HOST,), (HOST,))
        guard = Guard((), names)
        url = inside.url.replace(HOST, "rebinding.example")
        assert await guard.vet(parse_url(url, allow_http=True)) is None
        assert "loopback" in blocked(await post(guard, url))
    assert names.asked == 2
    assert inside.requests == []


async def test_what_was_vetted_is_what_is_connected_to() -> None:
    async with endpoint() as inside:
        guard = Guard(LOOPBACK, Names((HOST,)))  # a second look-up would find the list of answers used up
        exchange = await post(guard, inside.url.replace(HOST, "hooks.example"))
        assert isinstance(exchange, Answer)
    assert inside.requests[0].headers["host"].startswith("hooks.example:")


async def test_creation_tells_why_and_lets_unresolved_names_pass() -> None:
    guard = Guard((), Names(("8.8.8.8", "10.1.2.3")))
    told = await guard.vet(parse_url("https://hooks.example/", allow_http=False))
    assert told == "10.1.2.3 is refused: private"
    real = Guard(())
    assert "loopback" in str(await real.vet(parse_url("https://localhost/", allow_http=False)))
    assert await real.vet(parse_url("https://does-not-exist.invalid/", allow_http=False)) is None
