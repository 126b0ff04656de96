"""A name that nobody answers for keeps nobody else waiting."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from devstack.ports import HOST
from support.dispatcher import LOOPBACK
from support.endpoints import endpoint
from webhook_dispatcher.client.guard import Guard
from webhook_dispatcher.client.names import Found, Names
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.exchange import Answer, Failure, FailureKind


class System:
    """A resolver that blocks, as the machine's does, for every name that begins with `hang`."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.released = threading.Event()

    def look_up(self, host: str, _family: socket.AddressFamily) -> Found:
        self.asked[host] += 1
        if host.startswith("hang"):
            self.released.wait(30)
        if host.startswith("lost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        time.sleep(0.01)
        return [(socket.AF_INET, (HOST, 0))]


@pytest.fixture
def system() -> Iterator[System]:
    one = System()
    yield one
    one.released.set()


async def test_it_finds_what_the_machine_finds() -> None:
    (found, *_) = await Names().resolve("localhost", 443)
    assert (found["hostname"], found["host"], found["port"], found["family"]) == (
        "localhost",
        HOST,
        443,
        socket.AF_INET,
    )
    with pytest.raises(OSError, match=r"not known|resolution"):
        await Names().resolve("does-not-exist.invalid", 443)


async def test_a_name_is_looked_up_once_for_all_who_ask(system: System) -> None:
    names = Names(system.look_up)
    found = await asyncio.gather(*(names.resolve("well.example", 8000 + number) for number in range(50)))
    assert [one["port"] for (one,) in found] == list(range(8000, 8050))
    lost = await asyncio.gather(*(names.resolve("lost.example") for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in lost} == {socket.gaierror}
    assert system.asked == {"well.example": 1, "lost.example": 1}


async def test_one_who_gives_up_takes_nothing_from_the_others(system: System) -> None:
    names = Names(system.look_up)
    impatient = asyncio.create_task(names.resolve("hang.example"))
    patient = asyncio.create_task(names.resolve("hang.example"))
    await asyncio.sleep(0.05)
    impatient.cancel()
    await asyncio.wait([impatient])
    system.released.set()
    assert (await patient)[0]["host"] == HOST
    assert system.asked == {"hang.example": 1}


async def test_nobody_waits_for_longer_than_the_limit(system: System) -> None:
    names = Names(system.look_up, seconds=0.1)
    began = time.perf_counter()
    for _ in range(3):
        with pytest.raises(OSError, match=r"the name was not looked up within 0.1 s"):
            await names.resolve("hang.example")
    assert 0.3 <= time.perf_counter() - began < 1.0
    assert system.asked == {"hang.example": 1}


async def test_however_many_names_hang_those_that_resolved_are_looked_up(system: System) -> None:
    names = Names(system.look_up, seconds=0.5, at_once=4)
    await names.resolve("well.example")
    hanging = [asyncio.create_task(names.resolve(f"hang{number}.example")) for number in range(20)]
    await asyncio.sleep(0.05)
    assert sum(system.asked.values()) == 1 + 4
    for _ in range(3):
        async with asyncio.timeout(0.2):
            await names.resolve("well.example")
    with pytest.raises(OSError, match="not looked up"):
        await names.resolve("new.example")
    system.released.set()
    await asyncio.gather(*hanging, return_exceptions=True)
    async with asyncio.timeout(1):
        await names.resolve("new.example")


async def test_when_they_are_closed_whoever_waits_is_told(system: System) -> None:
    names = Names(system.look_up)
    waiting = asyncio.create_task(names.resolve("hang.example"))
    await asyncio.sleep(0.05)
    await names.close()
    with pytest.raises(OSError, match="no more"):
        await waiting


async def test_attempts_to_names_that_hang_end_in_time_and_cost_others_nothing(system: System) -> None:
    """«a DNS failure … costs others nothing»: more names hang than any pool of threads has"""
    sender = Sender(Guard(LOOPBACK, Names(system.look_up)), seconds=1.0, user_agent="Slotwire/test")
    async with endpoint() as receiver, sender.opened():
        url = receiver.url.replace(HOST, "{}.example")
        hanging = [asyncio.create_task(sender.post(url.format(f"hang{number}"), {}, b"{}")) for number in range(60)]
        await asyncio.sleep(0.05)
        for number in range(10):
            began = time.perf_counter()
            assert isinstance(await sender.post(url.format(f"well{number}"), {}, b"{}"), Answer)
            assert time.perf_counter() - began < 0.4
        failures = await asyncio.gather(*hanging)
    assert {one.kind for one in failures if isinstance(one, Failure)} == {FailureKind.TIMEOUT}
    assert len(failures) == 60
