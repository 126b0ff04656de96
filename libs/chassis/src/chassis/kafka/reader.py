"""Reading stretches of partitions that lie in the past.

Invariant: a reader belongs to no group and commits nothing.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndTimestamp

from chassis.kafka.closing import close
from chassis.kafka.records import REQUEST_MS, Partition, Record, partition_of, record_of

_FETCH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stretch:
    """The records of a partition from `start` to before `end`, as the partition was when it was asked.

    Attributes:
        earliest: if the stretch would begin before the partition's first record, and older ones were deleted: the time
            of that first one, or the stretch's own end where none is left, in milliseconds since 1970; else None.
    """

    topic: str
    partition: int
    start: int
    end: int
    earliest: int | None = None


class LogReader:
    """Reads stretches of partitions, one at a time, so that what it holds in memory is bounded."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    @classmethod
    @asynccontextmanager
    async def connected(cls, bootstrap: str) -> AsyncIterator["LogReader"]:
        """Connect for the block.

        Raises:
            KafkaError: when no broker answers.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # what was deleted meanwhile is passed over
            request_timeout_ms=REQUEST_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
        try:
            await consumer.start()
            await admin.start()
            yield cls(consumer, admin)
        finally:
            await admin.close()
            await close(consumer)

    async def stretches(self, topics: Collection[str], since: int, until: int) -> list[Stretch]:
        """Find the records with times from `since` to before `until`, in milliseconds since 1970.

        A partition's stretch begins with its first record that is not older than `since`, and ends before its first
        one that is not older than `until`; it is told even if it is empty. A topic that is not there has none.

        Raises:
            KafkaError: when the broker is away.
        """
        partitions = await self._partitions(topics)
        if not partitions:
            return []
        beginnings = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        oldest, first, last = [
            await self._consumer.offsets_for_times(dict.fromkeys(partitions, max(0, instant)))
            for instant in (0, since, until)
        ]
        return [
            Stretch(
                one.topic,
                one.partition,
                ends[one] if first[one] is None else first[one].offset,
                ends[one] if last[one] is None else last[one].offset,
                _earliest(oldest[one], since, until) if beginnings[one] > 0 else None,
            )
            for one in partitions
        ]

    async def committed(self, group: str, topic: str, partition: int) -> int:
        """Tell how far a consumer group has come: the offset behind the last record that it is done with, or 0.

        Raises:
            KafkaError: when the broker is away.
        """
        one = partition_of(topic, partition)
        try:
            offsets = await self._admin.list_consumer_group_offsets(group, partitions=[one])
        except GroupCoordinatorNotAvailableError:
            return 0  # no group has committed anything on this cluster yet, or it is just moving house
        return max(0, offsets[one].offset) if one in offsets else 0

    async def lags(self, group: str, topics: Collection[str]) -> dict[Partition, int]:
        """Tell of each partition how many records a consumer group is not done with yet.

        A group that has committed nothing has all of them before it; a topic that is not there has none.

        Raises:
            KafkaError: when the broker is away.
        """
        partitions = await self._partitions(topics)
        if not partitions:
            return {}
        beginnings = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        try:
            told = await self._admin.list_consumer_group_offsets(group, partitions=partitions)
        except GroupCoordinatorNotAvailableError:
            told = {}
        done = {one: max(told[one].offset if one in told else 0, beginnings[one]) for one in partitions}
        return {(one.topic, one.partition): max(0, ends[one] - done[one]) for one in partitions}

    async def _partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        told = await self._admin.describe_topics(list(topics))
        return [partition_of(topic["topic"], one["partition"]) for topic in told for one in topic["partitions"]]

    async def read(
        self, topic: str, partition: int, *, start: int, end: int, at_most: int, wait_seconds: float
    ) -> tuple[list[Record], int]:
        """Read on in a stretch: the next records, none if they did not come in time, and where to go on.

        Raises:
            KafkaError: when reading failed for good.
        """
        one = partition_of(topic, partition)
        if self._consumer.assignment() != {one}:
            self._consumer.assign([one])
            self._consumer.seek(one, start)
        elif await self._consumer.position(one) != start:
            self._consumer.seek(one, start)
        batches = await self._consumer.getmany(one, timeout_ms=int(wait_seconds * 1000), max_records=at_most)
        records = [record for batch in batches.values() for raw in batch if (record := record_of(raw)).offset < end]
        return records, min(end, await self._consumer.position(one))


def _earliest(oldest: OffsetAndTimestamp | None, since: int, until: int) -> int | None:
    """Tell from when on a partition is whole, if it is not from `since` on."""
    earliest = until if oldest is None else int(oldest.timestamp)
    return earliest if earliest > since else None
