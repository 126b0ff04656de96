"""Reading topics, as a member of a group or alone.

Invariant: a consumer commits only what its owner says is done, and never moves its group back, unless its owner knows
of less than the group has committed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from chassis.kafka.closing import close
from chassis.kafka.records import REQUEST_BYTES, REQUEST_MS, Partition, Record, ends, partition_of, record_of

_log = structlog.get_logger(__name__)
_COMMIT_SECONDS = 5.0

Known = Callable[[Collection[Partition]], Awaitable[Mapping[Partition, int]]]
"""Tells the offsets behind what an owner knows of some partitions; one of which it knows nothing is left out."""


class _Read(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no py.typed
    """What was read of each partition since it was assigned; what was read before may be others' by now.

    Where the owner knows of less than the group has committed, its database is older than the group's offsets: it was
    restored, and reading begins where its knowledge ends.
    """

    def __init__(self, consumer: AIOKafkaConsumer, known: Known | None) -> None:
        self._consumer = consumer
        self._known = known
        self._failure: Exception | None = None
        self._first: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            self._first.setdefault((record.topic, record.partition), record.offset)
        self._ends.update(ends(records))

    def check(self) -> None:
        """Raise what kept it from knowing where to begin, if anything did: the records that were assigned are not read.

        Raises:
            Exception: as the owner or the broker raised it.
        """
        if self._failure is not None:
            raise self._failure

    def holds(self, partition: Partition, end: int) -> bool:
        """Tell whether an offset lies behind one of the records."""
        return partition in self._ends and self._first[partition] < end <= self._ends[partition]

    def on_partitions_revoked(self, _: Collection[TopicPartition], /) -> None:
        self._first.clear()
        self._ends.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition], /) -> None:
        self.on_partitions_revoked(assigned)  # what was fetched meanwhile is in vain, too
        if self._known is None:
            return
        self._consumer.pause(*assigned)  # before anything is awaited: nothing of them has been fetched yet
        try:
            await self._go_back(await self._known([(one.topic, one.partition) for one in assigned]))
        except Exception as error:  # noqa: BLE001 - aiokafka would log it, and read on from what was committed
            self._failure = error
        else:
            self._consumer.resume(*(self._consumer.assignment() & set(assigned)))

    async def _go_back(self, known: Mapping[Partition, int]) -> None:
        for partition, end in known.items():
            one = partition_of(*partition)
            committed = await self._consumer.committed(one)
            if committed is not None and end < committed:
                _log.warning("knows_less_than_was_committed", partition=partition, known=end, committed=committed)
                self._consumer.seek(one, end)


class Consumer:
    """A member of a consumer group, or with no group a reader of all partitions; offsets are committed by hand."""

    def __init__(self, consumer: AIOKafkaConsumer, read: _Read) -> None:
        self._consumer = consumer
        self._read = read

    @classmethod
    @asynccontextmanager
    async def connected(
        cls,
        bootstrap: str,
        topics: Collection[str],
        *,
        group: str | None,
        from_beginning: bool = True,
        known: Known | None = None,
    ) -> AsyncIterator["Consumer"]:
        """Connect and subscribe for the block.

        Args:
            bootstrap: the brokers.
            topics: the topics to read.
            group: the consumer group, or None to read every partition alone.
            from_beginning: where to start without a committed offset: at the oldest record, or behind the newest.
            known: asked whenever partitions are assigned; who knows of less than was committed begins there.

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
            request_timeout_ms=REQUEST_MS,
            metadata_max_age_ms=30_000,
            max_partition_fetch_bytes=REQUEST_BYTES,
        )
        read = _Read(consumer, known)
        consumer.subscribe(tuple(topics), listener=read)
        try:
            await consumer.start()
            yield cls(consumer, read)
        finally:
            await close(consumer)

    async def fetch(self, *, at_most: int, wait_seconds: float) -> list[Record]:
        """Fetch the next records, in offset order within each partition; empty when none came in time.

        Raises:
            KafkaError: when reading failed for good.
            Exception: when the owner could not tell what it knows.
        """
        self._read.check()
        batches: Mapping[TopicPartition, list[object]] = await self._consumer.getmany(
            timeout_ms=int(wait_seconds * 1000), max_records=at_most
        )
        records = [record_of(raw) for batch in batches.values() for raw in batch]
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
                    await self._consumer.commit({partition_of(*partition): done[partition] for partition in held})
            except TimeoutError as error:
                raise KafkaTimeoutError from error
        return held
