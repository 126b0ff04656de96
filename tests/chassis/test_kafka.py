"""Members of a consumer group: what one has read is committed only while it holds the partition."""

import asyncio
import secrets
from collections.abc import Collection, Mapping

import pytest

from chassis.kafka import Consumer, LogReader, Partition, Record, ends
from support.servers import Servers
from support.topics import fresh_topic, write_topic


async def fetched(consumer: Consumer, many: int) -> list[Record]:
    """Fetch so many records, however they come."""
    found: list[Record] = []
    async with asyncio.timeout(30):
        while len(found) < many:
            found += await consumer.fetch(at_most=many - len(found), wait_seconds=0.2)
    return found


async def first_of(consumer: Consumer, partition: int) -> Record:
    """Fetch until there is a record of a partition."""
    while (found := (await fetched(consumer, 1))[0]).partition != partition:
        pass
    return found


async def test_what_was_read_before_a_rebalance_moves_no_offset_back(servers: Servers) -> None:
    """A process that was paused finds a partition its own again, and the group far ahead of what it has in hand."""
    bootstrap, group = servers.kafka_bootstrap, f"group-{secrets.token_hex(4)}"
    topic = await fresh_topic(bootstrap, partitions=2)
    await write_topic(bootstrap, topic.name, [(b"%d" % number, b"") for number in range(20)])
    async with (
        Consumer.connected(bootstrap, [topic.name], group=group) as consumer,
        LogReader.connected(bootstrap) as log,
    ):
        in_hand = await fetched(consumer, 20)
        async with Consumer.connected(bootstrap, [topic.name], group=group) as other:  # one partition goes to each
            partition = (await fetched(other, 1))[0].partition
            mine = [record for record in in_hand if record.partition == partition]
            await other.commit(ends(await fetched(other, len(mine) - 1)))
        left = [record for record in in_hand if record.partition != partition]
        await fetched(consumer, len(left))  # both are its own again
        assert await consumer.commit(ends(mine[:1])) == set()
        assert await consumer.commit(ends([mine[0], *left])) == {(topic.name, left[0].partition)}
        await write_topic(bootstrap, topic.name, [(mine[0].key or b"", b"")])
        next_one = await first_of(consumer, partition)  # of the other one some may come once more
        assert await consumer.commit(ends(mine[:1])) == set()
        assert await log.committed(group, topic.name, partition) == len(mine)
        assert await consumer.commit(ends([next_one])) == {(topic.name, partition)}
        assert await log.committed(group, topic.name, partition) == len(mine) + 1


async def test_who_cannot_tell_what_it_knows_reads_nothing(servers: Servers) -> None:
    """What it lacks would be passed over for good, since what is taken in behind that moves its mark."""

    async def fails(_: Collection[Partition]) -> Mapping[Partition, int]:
        raise LookupError("the mark")

    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    await write_topic(servers.kafka_bootstrap, topic.name, [(b"key", b"")])
    async with Consumer.connected(servers.kafka_bootstrap, [topic.name], group=topic.name, known=fails) as consumer:
        with pytest.raises(LookupError, match="the mark"):
            await fetched(consumer, 1)
