"""Stretches of a log, on a real broker: found by time, read in parts, outside of any group."""

import asyncio
import time

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from chassis.kafka import Consumer, LogReader, Record, Stretch, ends
from support.servers import Servers
from support.topics import fresh_topic, write_topic

FOREVER = 4_000_000_000_000


def now() -> int:
    return int(time.time() * 1000)


def pairs(first: int, last: int) -> list[tuple[bytes, bytes]]:
    return [(b"key", str(number).encode()) for number in range(first, last)]


async def whole(log: LogReader, one: Stretch, at_most: int = 3) -> list[Record]:
    """Read a stretch to its end."""
    found: list[Record] = []
    position = one.start
    while position < one.end:
        records, position = await log.read(
            one.topic, one.partition, start=position, end=one.end, at_most=at_most, wait_seconds=1.0
        )
        assert len(records) <= at_most
        found += records
    return found


async def test_a_stretch_is_what_was_written_in_a_range_of_time(servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(0, 5))
    await asyncio.sleep(0.02)
    since = now()
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(5, 12))
    await asyncio.sleep(0.02)
    until = now()
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(12, 15))
    async with LogReader.connected(servers.kafka_bootstrap) as log:
        (middle,) = await log.stretches([topic.name], since, until)
        assert middle == Stretch(topic.name, 0, 5, 12)
        assert [record.value for record in await whole(log, middle)] == [value for _, value in pairs(5, 12)]
        assert [record.value for record in await whole(log, middle)] == [value for _, value in pairs(5, 12)]
        (all_of_it,) = await log.stretches([topic.name], -1, FOREVER)
        assert (all_of_it.start, all_of_it.end, all_of_it.earliest) == (0, 15, None)
        (later,) = await log.stretches([topic.name], now() + 60_000, FOREVER)
        assert (later.start, later.end) == (15, 15)
        assert await log.stretches(["test.not.there"], 0, FOREVER) == []


async def test_who_read_while_the_broker_went_away_ends_as_ever(servers: Servers) -> None:
    """Of a fetch that waits for the broker aiokafka raises that it was cancelled: that must be nobody else's end."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(0, 5))
    try:
        async with (
            LogReader.connected(servers.kafka_bootstrap) as log,
            Consumer.connected(servers.kafka_bootstrap, [topic.name], group=None) as consumer,
        ):
            assert len(await consumer.fetch(at_most=5, wait_seconds=30)) == 5
            (stretch,) = await log.stretches([topic.name], -1, FOREVER)
            assert len(await whole(log, stretch)) == 5
            await asyncio.to_thread(servers.kafka.kill)
            await asyncio.sleep(1)
    finally:
        await asyncio.to_thread(servers.kafka.start)


async def test_each_partition_has_its_stretch(servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=3)
    records = [(str(number).encode(), str(number).encode()) for number in range(20)]
    await write_topic(servers.kafka_bootstrap, topic.name, records)
    async with LogReader.connected(servers.kafka_bootstrap) as log:
        found = await log.stretches([topic.name], 0, FOREVER)
        read = [record for one in found for record in await whole(log, one)]
    assert sorted(one.partition for one in found) == [0, 1, 2]
    assert sorted(record.value for record in read) == sorted(value for _, value in records)


async def test_what_was_deleted_is_told_and_passed_over(servers: Servers) -> None:
    """«truncated» needs the instant from which on the log is whole."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(0, 4))
    async with LogReader.connected(servers.kafka_bootstrap) as log:
        (planned,) = await log.stretches([topic.name], 0, FOREVER)
        await asyncio.sleep(0.02)
        between = now()
        await write_topic(servers.kafka_bootstrap, topic.name, pairs(4, 8))
        await delete_before(servers, topic.name, 4)
        (short,) = await log.stretches([topic.name], 0, FOREVER)
        assert (short.start, short.end) == (4, 8)
        assert short.earliest is not None
        assert between <= short.earliest <= now()
        (enough,) = await log.stretches([topic.name], now(), FOREVER)
        assert enough.earliest is None
        assert await whole(log, planned) == []
        await delete_before(servers, topic.name, 8)
        (empty,) = await log.stretches([topic.name], 0, between)
        assert (empty.start, empty.end, empty.earliest) == (8, 8, between)


async def test_how_far_a_group_has_come_is_told_without_joining_it(servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, pairs(0, 6))
    async with LogReader.connected(servers.kafka_bootstrap) as log:
        assert await log.committed(topic.name, topic.name, 0) == 0
        async with Consumer.connected(servers.kafka_bootstrap, [topic.name], group=topic.name) as consumer:
            records: list[Record] = []
            while len(records) < 6:
                records += await consumer.fetch(at_most=6, wait_seconds=1.0)
            await consumer.commit(ends(records[:4]))
            assert await log.committed(topic.name, topic.name, 0) == 4


async def delete_before(servers: Servers, topic: str, offset: int) -> None:
    """Delete a partition's first records, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()
