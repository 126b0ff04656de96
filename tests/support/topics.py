"""Topics of one's own, and reading them to the end."""

import asyncio
import secrets
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.kafka import LogReader, Record, ensure_topics
from slotwire_contracts import Topic
from support.waiting import eventually


async def fresh_topic(bootstrap: str, *, partitions: int = 3, **more: Any) -> Topic:
    """Create a topic that no other test knows."""
    topic = Topic(f"test.{secrets.token_hex(6)}", partitions, 1, "a key", "tests", **more)
    await ensure_topics(bootstrap, [topic])
    return topic


async def limit_topic(bootstrap: str, name: str, max_message_bytes: int) -> None:
    """Have a topic take batches of so many bytes from now on."""
    limit = ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": str(max_message_bytes)})
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([limit])
    finally:
        await admin.close()


async def settings_of(bootstrap: str, name: str) -> dict[str, str]:
    """Read a topic's settings, its own and those of the broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (told,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    finally:
        await admin.close()
    return {key: value for *_, entries in told.resources for key, value, *_ in entries}


async def forget(bootstrap: str, topic: Topic) -> None:
    """Have all records that a topic holds now deleted, as they are once they are too old."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        whole = RecordsToDelete(before_offset=-1)
        await admin.delete_records({TopicPartition(topic.name, one): whole for one in range(topic.partitions)})
    finally:
        await admin.close()


async def read_topic(bootstrap: str, name: str) -> list[Record]:
    """Read all that a topic holds now, in offset order within each partition."""
    consumer = AIOKafkaConsumer(
        name, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while not (partitions := list(consumer.assignment())):  # a new topic may be known late
                await asyncio.sleep(0.02)
        ends = await consumer.end_offsets(partitions)
        found: list[Record] = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            batches = await consumer.getmany(timeout_ms=200)
            found += [
                Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, tuple(raw.headers))
                for batch in batches.values()
                for raw in batch
            ]
        return found
    finally:
        await consumer.stop()


async def caught_up(bootstrap: str, group: str, topic: Topic) -> None:
    """Wait until a group has committed all that a topic holds: none of it is read again, whoever joins or leaves."""
    async with LogReader.connected(bootstrap) as log:

        async def nothing_is_left() -> bool:
            lags = await log.lags(group, [topic.name])
            return bool(lags) and not any(lags.values())

        await eventually(nothing_is_left)


async def write_topic(bootstrap: str, name: str, records: list[tuple[bytes, bytes]]) -> None:
    """Write (key, value) pairs to a topic, in order, each acknowledged."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for key, value in records:
            await producer.send_and_wait(name, value, key=key)


async def write_at_once(bootstrap: str, name: str, records: list[tuple[bytes, bytes]]) -> None:
    """Write (key, value) pairs to the first partition of a topic, as one batch: who reads has all of them or none."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        batch = producer.create_batch()
        for key, value in records:
            assert batch.append(key=key, value=value, timestamp=None) is not None, "no more fits into one batch"
        await (await producer.send_batch(batch, name, partition=0))
