"""Names are looked up as the machine does, and one that nobody answers for keeps nobody else waiting."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from chassis.outbound import Guard
from chassis.outbound.names import Names
from devstack.ports import HOST
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint
from support.nameserver import Nameserver, nameserver
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind

SILENT = 200
T = TypeVar("T")


@asynccontextmanager
async def asking(*, seconds: float = 5.0) -> AsyncIterator[tuple[Names, Nameserver]]:
    """A nameserver, and what asks it alone."""
    async with nameserver() as server:
        names = Names(seconds=seconds, servers=[server.address])
        yield names, server
        await names.close()


async def begun(call: Callable[[str], Coroutine[Any, Any, T]]) -> list[asyncio.Task[T]]:
    """Begin something with each of many names that hang, not all in one burst: a socket holds some hundred packets."""
    tasks = []
    for number in range(SILENT):
        tasks.append(asyncio.create_task(call(f"hang{number}.example")))
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    return tasks


def listed() -> list[tuple[str, str]]:
    """The machine's own list of hosts, as far as it is of IPv4: addresses, each with a name."""
    lines = (line.partition("#")[0].split() for line in Path("/etc/hosts").read_text().splitlines())
    return [(words[0], name) for words in lines if words and "." in words[0] for name in words[1:]]


async def test_it_finds_what_the_machine_s_list_of_hosts_has() -> None:
    async with asking() as (names, server):
        for address, host in listed():
            found = await names.resolve(host, 443)
            assert address in {one["host"] for one in found}
            assert {(one["hostname"], one["port"], one["family"]) for one in found} == {(host, 443, socket.AF_INET)}
        assert not server.asked


async def test_a_short_name_is_sought_in_the_machine_s_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALDOMAIN", "corp.example")  # as `search` in resolv.conf
    async with asking() as (names, server):
        (one,) = await names.resolve("short")
        assert one["host"] == HOST
        assert list(server.asked) == ["short.corp.example"]


async def test_a_name_that_does_not_exist_is_told_at_once() -> None:
    async with asking() as (names, _):
        with pytest.raises(OSError, match="not found"):
            await names.resolve("lost.example")


async def test_nobody_waits_for_longer_than_the_limit() -> None:
    async with asking(seconds=0.1) as (names, _):
        began = time.perf_counter()
        for _ in range(3):
            with pytest.raises(OSError, match=r"the name was not looked up within 0.1 s"):
                await names.resolve("hang.example")
        assert 0.3 <= time.perf_counter() - began < 1.0


async def test_when_they_are_closed_whoever_waits_is_told() -> None:
    async with asking() as (names, _):
        waiting = asyncio.create_task(names.resolve("hang.example"))
        await asyncio.sleep(0.05)
        await names.close()
        with pytest.raises(OSError, match="cancelled"):
            await waiting


async def test_however_many_names_hang_names_that_nobody_has_looked_up_are_found() -> None:
    """As after a restart: «a DNS failure … costs others nothing»"""
    async with asking() as (names, server):
        hanging = await begun(names.resolve)
        assert len(server.asked) == SILENT
        for number in range(50):
            async with asyncio.timeout(0.2):
                await names.resolve(f"well{number}.example")
        assert not any(one.done() for one in hanging)
    assert {type(one) for one in await asyncio.gather(*hanging, return_exceptions=True)} == {OSError}


async def test_attempts_to_names_that_hang_end_in_time_and_cost_others_nothing() -> None:
    async with asking() as (names, _), endpoint() as receiver:
        sender = Sender(Guard(LOOPBACK, names), seconds=1.0, user_agent="Slotwire/test")
        async with sender.opened():
            url = receiver.url.replace(HOST, "{}.example")
            hanging = await begun(lambda name: sender.post(url.replace("{}.example", name), {}, b"{}"))
            for number in range(10):
                began = time.perf_counter()
                assert isinstance(await sender.post(url.format(f"well{number}"), {}, b"{}"), Answer)
                assert time.perf_counter() - began < 0.4
            failures = await asyncio.gather(*hanging)
    assert [one.kind for one in failures if isinstance(one, Failure)] == [FailureKind.TIMEOUT] * SILENT
