"""Kafka: the one module that speaks aiokafka.

Invariant: a producer made here is idempotent with acks=all, so an awaited acknowledgement means that the record is in
the log, once and in its place; of a record that it had to give up the acknowledgement raises. A consumer made here
commits only what its owner says is done, and never moves its group back; a reader of stretches belongs to no group and
commits nothing.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.structs import OffsetAndTimestamp

from slotwire_contracts import Topic

__all__ = [
    "BATCH_BYTES",
    "TOO_LARGE",
    "Consumer",
    "KafkaError",
    "LogReader",
    "Partition",
    "Producer",
    "Record",
    "Stretch",
    "answers",
    "ends",
    "ensure_topics",
]

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
"""What the acknowledgement of a record raises that is larger than the topic takes, however often it is sent."""

BATCH_BYTES = 256 * 1024
"""What the records that a producer sends together measure at most, unless it is told otherwise."""

Partition = tuple[str, int]
"""A topic, and the number of one of its partitions."""

_MAX_REQUEST_BYTES = 4 * 1024 * 1024
_STOP_SECONDS = 3.0
_ANSWER_SECONDS = 3.0
_COMMIT_SECONDS = 5.0
_REQUEST_MS = 15_000
_BROKERS_DEFAULT = -1
_STRETCH_FETCH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read from a topic; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


async def ensure_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Create the topics that are missing, with the broker's default of replicas; what exists stays as it is.

    Args:
        bootstrap: the brokers.
        topics: the topics, with their partitions and retention.

    Raises:
        KafkaError: when the broker is away or refuses.
    """
    wanted = [
        NewTopic(
            topic.name,
            topic.partitions,
            _BROKERS_DEFAULT,
            replica_assignments={},  # aiokafka takes the broker's default only beside an assignment
            topic_configs={
                "retention.ms": str(topic.retention_hours * 3_600_000),
                "max.message.bytes": str(topic.max_message_bytes),
            },
        )
        for topic in topics
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_MS)
    try:
        await admin.start()
        response = await admin.create_topics(wanted)
        for _, code, *_ in response.topic_errors:
            error = for_code(code)
            if error is not TopicAlreadyExistsError and code != 0:
                raise error
    finally:
        await admin.close()


async def answers(bootstrap: str) -> bool:
    """Tell whether a broker answers now."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(_ANSWER_SECONDS * 1000))
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await admin.start()
            await admin.list_topics()
            return True
    except (KafkaError, TimeoutError, OSError):
        return False
    finally:
        await admin.close()


class Producer:
    """An idempotent producer with acks=all; at most one batch a partition is under way.

    A batch is taken or refused as a whole. A record that is larger than a batch may be is sent alone.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    @classmethod
    @asynccontextmanager
    async def connected(cls, bootstrap: str, *, batch_bytes: int = BATCH_BYTES) -> AsyncIterator["Producer"]:
        """Connect for the block; at its end what is under way is given a moment and then left.

        Args:
            bootstrap: the brokers.
            batch_bytes: what records that are sent together may measure.

        Raises:
            KafkaError: when no broker answers.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=batch_bytes,
            max_request_size=_MAX_REQUEST_BYTES,
            request_timeout_ms=_REQUEST_MS,
        )
        try:
            await producer.start()
            yield cls(producer)
        finally:
            await _stop(producer)

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> Awaitable[object]:
        """Hand a record over; the answer is awaited for the broker's acknowledgement.

        Raises:
            KafkaError: when the record cannot be taken (producer closed, broker away for long).
        """
        try:
            pending: Awaitable[object] = await self._producer.send(topic, value, key=key, headers=list(headers))
        except TOO_LARGE as error:
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused
        return pending


async def _stop(producer: AIOKafkaProducer) -> None:
    """End a producer without waiting for a broker that may never come back."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
    except TimeoutError:
        sender = producer._sender  # noqa: SLF001 - stop() waits for the flush only; this ends it without
        await sender.close()
        await producer.client.close()


class _Read(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no py.typed
    """What was read of each partition since it was assigned; what was read before may be others' by now."""

    def __init__(self) -> None:
        self._first: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            self._first.setdefault((record.topic, record.partition), record.offset)
        self._ends.update(ends(records))

    def holds(self, partition: Partition, end: int) -> bool:
        """Tell whether an offset lies behind one of the records."""
        return partition in self._ends and self._first[partition] < end <= self._ends[partition]

    def on_partitions_revoked(self, _: Collection[TopicPartition], /) -> None:
        self._first.clear()
        self._ends.clear()

    on_partitions_assigned = on_partitions_revoked  # what was fetched meanwhile is in vain, too


class Consumer:
    """A member of a consumer group, or with no group a reader of all partitions; offsets are committed by hand."""

    def __init__(self, consumer: AIOKafkaConsumer, read: _Read) -> None:
        self._consumer = consumer
        self._read = read

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, bootstrap: str, topics: Collection[str], *, group: str | None, from_beginning: bool = True
    ) -> AsyncIterator["Consumer"]:
        """Connect and subscribe for the block.

        Args:
            bootstrap: the brokers.
            topics: the topics to read.
            group: the consumer group, or None to read every partition alone.
            from_beginning: where to start without a committed offset: at the oldest record, or behind the newest.

        Raises:
            KafkaError: when no broker answers.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if from_beginning else "latest",
            fetch_max_wait_ms=500,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=30_000,
            request_timeout_ms=_REQUEST_MS,
            metadata_max_age_ms=30_000,
            max_partition_fetch_bytes=_MAX_REQUEST_BYTES,
        )
        read = _Read()
        consumer.subscribe(tuple(topics), listener=read)
        try:
            await consumer.start()
            yield cls(consumer, read)
        finally:
            await consumer.stop()

    async def fetch(self, *, at_most: int, wait_seconds: float) -> list[Record]:
        """Fetch the next records, in offset order within each partition; empty when none came in time.

        Raises:
            KafkaError: when reading failed for good.
        """
        batches: Mapping[TopicPartition, list[object]] = await self._consumer.getmany(
            timeout_ms=int(wait_seconds * 1000), max_records=at_most
        )
        records = [_record(raw) for batch in batches.values() for raw in batch]
        self._read.add(records)
        return records

    async def commit(self, done: Mapping[Partition, int]) -> set[Partition]:
        """Commit offsets, of those partitions whose records were read since they are ours; answers which these are.

        Args:
            done: the offsets behind what is done, as `ends` tells them.

        Raises:
            KafkaError: when the group is moving on, or the broker is away; then nothing may have been committed.
        """
        # Were a partition ours again, the broker would take it, and forget how far others have come meanwhile.
        held = {partition for partition, end in done.items() if self._read.holds(partition, end)}
        if held:
            try:
                async with asyncio.timeout(_COMMIT_SECONDS):  # aiokafka would look for a coordinator for ever
                    await self._consumer.commit({_partition(*partition): done[partition] for partition in held})
            except TimeoutError as error:
                raise KafkaTimeoutError from error
        return held


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
            request_timeout_ms=_REQUEST_MS,
            max_partition_fetch_bytes=_STRETCH_FETCH_BYTES,
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_MS)
        try:
            await consumer.start()
            await admin.start()
            yield cls(consumer, admin)
        finally:
            await admin.close()
            await consumer.stop()

    async def stretches(self, topics: Collection[str], since: int, until: int) -> list[Stretch]:
        """Find the records with times from `since` to before `until`, in milliseconds since 1970.

        A partition's stretch begins with its first record that is not older than `since`, and ends before its first
        one that is not older than `until`; it is told even if it is empty. A topic that is not there has none.

        Raises:
            KafkaError: when the broker is away.
        """
        told = await self._admin.describe_topics(list(topics))
        partitions = [_partition(topic["topic"], one["partition"]) for topic in told for one in topic["partitions"]]
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
        one = _partition(topic, partition)
        try:
            offsets = await self._admin.list_consumer_group_offsets(group, partitions=[one])
        except GroupCoordinatorNotAvailableError:
            return 0  # no group has committed anything on this cluster yet, or it is just moving house
        return max(0, offsets[one].offset) if one in offsets else 0

    async def read(
        self, topic: str, partition: int, *, start: int, end: int, at_most: int, wait_seconds: float
    ) -> tuple[list[Record], int]:
        """Read on in a stretch: the next records, none if they did not come in time, and where to go on.

        Raises:
            KafkaError: when reading failed for good.
        """
        one = _partition(topic, partition)
        if self._consumer.assignment() != {one}:
            self._consumer.assign([one])
            self._consumer.seek(one, start)
        elif await self._consumer.position(one) != start:
            self._consumer.seek(one, start)
        batches = await self._consumer.getmany(one, timeout_ms=int(wait_seconds * 1000), max_records=at_most)
        records = [record for batch in batches.values() for raw in batch if (record := _record(raw)).offset < end]
        return records, min(end, await self._consumer.position(one))


def _earliest(oldest: OffsetAndTimestamp | None, since: int, until: int) -> int | None:
    """Tell from when on a partition is whole, if it is not from `since` on."""
    earliest = until if oldest is None else int(oldest.timestamp)
    return earliest if earliest > since else None


def ends(records: Iterable[Record]) -> dict[Partition, int]:
    """Tell the offsets behind some records, by partition."""
    found: dict[Partition, int] = {}
    for record in records:
        partition = record.topic, record.partition
        found[partition] = max(found.get(partition, 0), record.offset + 1)
    return found


@functools.lru_cache(maxsize=1024)
def _partition(topic: str, partition: int) -> TopicPartition:
    return TopicPartition(topic, partition)


def _record(raw: object) -> Record:
    """Turn aiokafka's record, which ships no types, into ours."""
    return Record(
        raw.topic,  # type: ignore[attr-defined]  # aiokafka has no py.typed
        raw.partition,  # type: ignore[attr-defined]  # as above
        raw.offset,  # type: ignore[attr-defined]  # as above
        raw.timestamp,  # type: ignore[attr-defined]  # as above
        raw.key,  # type: ignore[attr-defined]  # as above
        raw.value or b"",  # type: ignore[attr-defined]  # as above
        tuple(raw.headers),  # type: ignore[attr-defined]  # as above
    )
