"""Members of a faust group, on a real broker: what they read, that nothing is lost, and that they end when asked to."""

import asyncio
import gc
import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.exceptions import PartitionsMismatch
from prometheus_client import REGISTRY

from chassis.consumer import PoisonError
from chassis.kafka import Record
from chassis.lifecycle import Loop, Stop, background
from chassis.streaming import Member, Part
from slotwire_contracts import Topic
from support.servers import Servers
from support.topics import caught_up, fresh_topic, read_topic, write_topic
from support.waiting import eventually


@dataclass
class Reading:
    """A group that reads a topic of its own, and keeps each key's latest value in a table."""

    bootstrap: str
    topic: Topic
    read: list[Record] = field(default_factory=list)
    failures: dict[bytes, list[Exception]] = field(default_factory=dict)
    latest: dict[str, str] = field(default_factory=dict)
    ends: list[bool] = field(default_factory=list)

    @property
    def values(self) -> Counter[bytes]:
        """What was read, and how often."""
        return Counter(record.value for record in self.read)

    def compose(self, app: Any) -> Part:
        async def recovered() -> None:
            self.latest.update(table.items())

        table = app.Table("latest", partitions=self.topic.partitions, on_recover=recovered)
        table.changelog_topic.replicas = -1

        async def take(record: Record) -> None:
            failures = self.failures.get(record.value)
            if failures:
                raise failures.pop(0)
            table[(record.key or b"").decode()] = record.value.decode()
            self.read.append(record)

        async def beside(over: Stop) -> None:
            while not await over.wait(60):
                pass
            self.ends.append(True)

        return Part(take, beside)

    async def run(self, stop: Stop) -> None:
        await Member(self.bootstrap, self.topic, f"{self.topic.name}.group").run(self.compose, stop, name="reading")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run a member of the group for the block."""
        async with background(Loop("reading", self.run), drain_seconds=15.0):
            yield

    async def write(self, *values: str, key: str = "k") -> None:
        """Write values to the topic."""
        await write_topic(self.bootstrap, self.topic.name, [(key.encode(), value.encode()) for value in values])

    async def has_read(self, *values: str) -> None:
        """Wait until values were read."""

        async def all_there() -> bool:
            return all(self.values[value.encode()] for value in values)

        await eventually(all_there, within=60)

    async def is_done(self) -> None:
        """Wait until the group has committed all that the topic holds."""
        await caught_up(self.bootstrap, f"{self.topic.name}.group", self.topic)

    async def has_recovered(self) -> bool:
        """Tell whether the table was recovered."""
        return bool(self.latest)


@dataclass
class Forgetful(Reading):
    """A group in which faust drops, once, what it holds ready, as it does in the midst of a rebalance."""

    forgot: bool = False

    def compose(self, app: Any) -> Part:
        part = super().compose(app)

        async def take(record: Record) -> None:
            if not self.forgot:
                await asyncio.sleep(1.0)  # by then what was written with it is held ready
                app.flow_control.clear()
                self.forgot = True
            await part.take(record)

        return Part(take, part.beside)

    async def has_forgotten(self) -> bool:
        return self.forgot


@pytest.fixture
async def reading(servers: Servers) -> Reading:
    return Reading(servers.kafka_bootstrap, await fresh_topic(servers.kafka_bootstrap, partitions=3))


async def test_records_of_a_key_are_taken_in_their_order_and_what_is_done_with_does_not_come_again(
    reading: Reading,
) -> None:
    many = [f"v{number}" for number in range(50)]
    async with reading.running():
        await reading.write(*many)
        await reading.has_read(*many)
    assert [record.value.decode() for record in reading.read] == many
    assert reading.ends == [True]
    reading.read.clear()
    async with reading.running():
        await reading.write("more")
        await reading.has_read("more")
    assert reading.values == Counter([b"more"])
    assert reading.latest == {"k": "v49"}


async def test_what_cannot_be_taken_goes_to_the_dead_letters_with_the_reason_and_the_rest_is_taken(
    reading: Reading,
) -> None:
    """Architecture, section 4, I11: «A poison message never stops a partition»"""
    reading.failures = {b"poison": [PoisonError("no event")], b"odd": [LookupError("nowhere")]}
    async with reading.running():
        await reading.write("first", "poison", "odd", "last")
        await reading.has_read("first", "last")
        dead = await read_topic(reading.bootstrap, f"{reading.topic.name}.dlq")
    assert [(letter.key, letter.value) for letter in dead] == [(b"k", b"poison"), (b"k", b"odd")]
    reasons = [dict(letter.headers)["slotwire-dead-letter-reason"].decode() for letter in dead]
    assert reasons == ["no event", "LookupError: nowhere"]
    origin = dict(dead[0].headers)["slotwire-dead-letter-origin"].decode()
    assert origin == f"{reading.topic.name}/{reading.read[0].partition}/1"
    assert REGISTRY.get_sample_value("slotwire_dead_letters_total", {"topic": reading.topic.name}) == len(dead)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionRefusedError(), id="while the database is away"),
        pytest.param(PartitionsMismatch("3 and 0"), id="before the broker has told of a table's changelog"),
    ],
)
async def test_nothing_is_given_up(reading: Reading, error: Exception) -> None:
    reading.failures = {b"waits": [error] * 4}
    async with reading.running():
        await reading.write("first", "waits", "last")
        await reading.has_read("first", "waits", "last")
        assert await read_topic(reading.bootstrap, f"{reading.topic.name}.dlq") == []
    assert [record.value for record in reading.read] == [b"first", b"waits", b"last"]


async def test_nothing_is_lost_in_rebalances(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Architecture, section 4, I3: while members come and go, a broker is slow, and records come all the time."""
    look_up = AIOKafkaConsumer.committed

    async def look_up_slowly(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Any:
        await asyncio.sleep(0.5)
        return await look_up(consumer, partition)

    monkeypatch.setattr(AIOKafkaConsumer, "committed", look_up_slowly)
    others = [Reading(reading.bootstrap, reading.topic) for _ in range(3)]  # at last one has no partition
    written: dict[str, str] = {}

    async def write_on(over: Stop) -> None:
        async with AIOKafkaProducer(bootstrap_servers=reading.bootstrap, acks="all") as producer:
            while not await over.wait(0.01):
                for key in map(str, range(reading.topic.partitions * 2)):
                    value = f"v{len(written)}"
                    await producer.send(reading.topic.name, value.encode(), key=key.encode())
                    written[value] = key

    async with background(Loop("writing", write_on), drain_seconds=5.0), AsyncExitStack() as members:
        for member in (reading, *others):
            await members.enter_async_context(member.running())
            await asyncio.sleep(2.0)
    async with reading.running():
        await reading.is_done()
    found = sum((other.values for other in others), reading.values)
    assert [value for value in written if not found[value.encode()]] == []
    reading.latest.clear()
    async with reading.running():
        await eventually(reading.has_recovered)
    assert reading.latest == {key: value for value, key in written.items()}


async def test_what_faust_passes_over_is_noticed_and_read_again(reading: Reading) -> None:
    forgetful = Forgetful(reading.bootstrap, reading.topic)
    async with forgetful.running():
        await forgetful.write("first", "second")
        await eventually(forgetful.has_forgotten, within=60)
        await forgetful.write("last")
        await forgetful.has_read("first", "second", "last")
        await forgetful.is_done()
    assert forgetful.ends == [True, True], "the run in which something was passed over went on"
    values = [record.value for record in forgetful.read]
    assert values.index(b"second") < values.index(b"last")


@pytest.mark.parametrize("way", ["asked", "cancelled"])
@pytest.mark.parametrize("seconds", [0, 0.05, 0.3, 1.0, 2.5])
async def test_it_ends_soon_at_any_moment_and_leaves_nothing_behind(
    reading: Reading, seconds: float, way: Literal["asked", "cancelled"]
) -> None:
    """While it looks for the broker, makes its topics, joins its group, rebuilds its tables."""

    async def ended() -> None:
        tasks, threads, stop = asyncio.all_tasks(), set(threading.enumerate()), Stop()
        running = asyncio.create_task(reading.run(stop))
        await asyncio.sleep(seconds)
        if way == "asked":
            stop.set()
        else:
            running.cancel()
        await asyncio.wait([running], timeout=5)
        assert running.done()
        assert running.cancelled() is (way == "cancelled")
        assert asyncio.all_tasks() <= tasks
        assert set(threading.enumerate()) <= threads
        gc.collect()  # what was left open would complain

    await asyncio.to_thread(asyncio.run, ended())  # in a loop of its own: services that run for other tests share ours


async def test_it_ends_soon_while_the_database_is_away(reading: Reading) -> None:
    reading.failures = {b"waits": [ConnectionRefusedError() for _ in range(10_000)]}
    stop = Stop()
    running = asyncio.create_task(reading.run(stop))
    await reading.write("first", "waits")
    await reading.has_read("first")
    await asyncio.sleep(0.5)
    stop.set()
    async with asyncio.timeout(5):
        await running
    again = Reading(reading.bootstrap, reading.topic)
    async with again.running():
        await again.has_read("waits")
    assert again.values == Counter([b"waits"])


async def test_it_ends_soon_while_the_broker_is_silent(reading: Reading) -> None:
    """A broker that takes connections and answers nothing: faust by itself waits for most of a minute."""
    async with await asyncio.start_server(_hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stop = Stop()
        running = asyncio.create_task(Reading(f"127.0.0.1:{port}", reading.topic).run(stop))
        await asyncio.sleep(0.3)
        stop.set()
        async with asyncio.timeout(5):
            await running


async def test_it_ends_soon_and_leaves_nothing_behind_while_the_broker_is_paused(
    reading: Reading, servers: Servers
) -> None:
    async def ended() -> None:
        stop = Stop()
        running = asyncio.create_task(reading.run(stop))
        await reading.write("first")
        await reading.has_read("first")
        os.kill(servers.kafka.pid, signal.SIGSTOP)
        try:
            stop.set()
            await asyncio.wait([running], timeout=5)
        finally:
            os.kill(servers.kafka.pid, signal.SIGCONT)
        assert running.done()
        del running
        gc.collect()  # what was left open would complain

    await asyncio.to_thread(asyncio.run, ended())


async def _hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_what_fails_beside_ends_the_run_with_its_reason(reading: Reading) -> None:
    async def beside(_: Stop) -> None:
        raise LookupError("lost")

    async def take(_: Record) -> None:
        return

    member = Member(reading.bootstrap, reading.topic, f"{reading.topic.name}.group")
    with pytest.raises(LookupError, match="lost"):
        await member.run(lambda _: Part(take, beside), Stop(), name="reading")
