"""What is done is committed and counted once, however often that has to be tried."""

import asyncio
from collections.abc import Sequence

import pytest

from chassis.kafka import Consumer, LogReader, Record
from chassis.offsets import _CONSUMED, Offsets
from slotwire_contracts import Topic
from support.servers import Servers
from support.topics import fresh_topic, write_topic
from support.waiting import eventually


@pytest.fixture
async def topic(servers: Servers) -> Topic:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"k", b"%d" % number) for number in range(5)])
    return topic


async def fetched(consumer: Consumer, many: int) -> Sequence[Record]:
    records: list[Record] = []
    async with asyncio.timeout(30):
        while len(records) < many:
            records += await consumer.fetch(at_most=many - len(records), wait_seconds=0.2)
    return records


def counted(topic: Topic) -> float:
    return float(_CONSUMED.labels(topic.name)._value.get())


async def test_what_is_done_within_a_moment_is_committed_together(servers: Servers, topic: Topic) -> None:
    async with (
        Consumer.connected(servers.kafka_bootstrap, [topic.name], group=topic.name) as consumer,
        LogReader.connected(servers.kafka_bootstrap) as log,
    ):
        offsets = Offsets(consumer)
        assert offsets.left(7.0) == 7.0
        for _ in range(2):
            offsets.add(await fetched(consumer, 2))
            await offsets.commit_ripe()
        assert await log.committed(topic.name, topic.name, 0) == 0
        assert 0.0 < offsets.left(7.0) <= 0.1
        await asyncio.sleep(offsets.left(7.0))
        await offsets.commit_ripe()
        assert await log.committed(topic.name, topic.name, 0) == 4
        assert (offsets.left(7.0), counted(topic)) == (7.0, 4)


async def test_what_failed_is_repeated_even_if_nothing_follows(
    servers: Servers, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits until the group has come so far would otherwise wait for the next record."""
    monkeypatch.setattr("chassis.kafka.consumer._COMMIT_SECONDS", 1.0)
    async with Consumer.connected(servers.kafka_bootstrap, [topic.name], group=topic.name) as consumer:
        offsets = Offsets(consumer)
        offsets.add(await fetched(consumer, 2))
        await asyncio.to_thread(servers.kafka.kill)
        try:
            async with asyncio.timeout(10):  # a broker that does not come back is not waited for
                await offsets.commit()
            assert counted(topic) == 0
        finally:
            await asyncio.to_thread(servers.kafka.start)

        async def is_committed() -> bool:
            await asyncio.sleep(offsets.left(0.0))
            await offsets.commit_ripe()
            return counted(topic) == 2

        await eventually(is_committed, within=30)
        async with LogReader.connected(servers.kafka_bootstrap) as log:
            assert await log.committed(topic.name, topic.name, 0) == 2


async def test_what_others_read_by_now_is_neither_committed_nor_counted_nor_kept(
    servers: Servers, topic: Topic
) -> None:
    async with Consumer.connected(servers.kafka_bootstrap, [topic.name], group=topic.name) as consumer:
        offsets = Offsets(consumer)
        offsets.add(await fetched(consumer, 2))
        consumer._read.on_partitions_revoked([])
        await offsets.commit()
        assert (offsets.left(7.0), counted(topic)) == (7.0, 0)
