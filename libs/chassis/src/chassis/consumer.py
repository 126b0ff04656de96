"""The consumer loop: fetch, claim, act, commit; then, and only then, the offsets, beside a later batch.

What is claimed, so that it is acted on once, is the sink's; `chassis.inbox` has the plain one. Invariants: a sink's
effect and its claims commit together, before the offsets; a record that cannot be handled never stops its partition: it
goes to the topic's dead letters with the reason, acknowledged before its offset is committed. While the database or the
broker is away nothing is given up: the batch is tried again. A sink whose database was restored from a backup, and
knows of less than its group has committed, is given again what it lacks.
"""

import asyncio
import functools
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

import asyncpg
import structlog
from prometheus_client import Counter

from chassis import tracing
from chassis.backoff import Backoff
from chassis.kafka import Consumer, Partition, Producer, Record, ensure_topics
from chassis.lifecycle import Stop
from chassis.offsets import Offsets
from chassis.postgres import TRANSIENT, UNSTORABLE, Connection, Database
from chassis.tracing.messages import processed
from slotwire_contracts import Topic, dead_letter_topic, dead_letters

_log = structlog.get_logger(__name__)
_DEAD_LETTERS = Counter("slotwire_dead_letters_total", "Records sent to dead letters.", ["topic"])

_BATCH_RECORDS = 1_000  # a backlog is read so many at a time: each batch has round trips, which are shared by all in it
_FIRST_RECORDS = 100  # where fewer came at once: after a pause the first of many need not wait for all of them
_FETCH_SECONDS = 1.0
_REASON_CHARACTERS = 1_000

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
After = Callable[[], None]


# A tuple, as `Record` is.
class Incoming(NamedTuple, Generic[E_co]):
    """A record and the event that was decoded from it, with the event's id.

    Attributes:
        traceparent: the trace context of what created the event.
    """

    event_id: str
    event: E_co
    record: Record
    traceparent: str | None = None


Decode = Callable[[Record], Incoming[E]]


class _InterruptedError(Exception):
    """A stop came while a batch waited for the database: its offsets stay where they are."""


class PoisonError(Exception):
    """A record that no repetition will make readable; the message is the reason kept with the dead letter."""


class Sink(Protocol[E]):
    """Where a service takes its events in."""

    def parts(self, incoming: Sequence[Incoming[E]]) -> Iterable[Sequence[Incoming[E]]]:
        """Divide what was read, in its order, into what is taken in one transaction each."""

    async def prepare(self, incoming: Sequence[Incoming[E]]) -> None:
        """Do what must be done before the transaction that takes these in; it may be asked for again."""

    async def take(self, conn: Connection, incoming: Sequence[Incoming[E]]) -> After | None:
        """Claim the events that are new and act on them, and commit that as one; what is answered is called then.

        Args:
            conn: outside any transaction; it is for the sink to begin one.
            incoming: the events, one more time if they had come before.
        """

    async def set_aside(self, conn: Connection, records: Sequence[Record]) -> None:
        """Note that records are with the dead letters now, and commit that; it may be told again.

        Args:
            conn: outside any transaction, as above.
            records: the records.
        """

    async def known(self, conn: Connection, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Tell the offsets behind what is known of some partitions; without an entry the group's offset counts.

        Args:
            conn: outside any transaction.
            partitions: which.
        """


async def expect(bootstrap: str, topics: Collection[Topic]) -> None:
    """Make sure of topics that will be read, and of their dead letters.

    Raises:
        KafkaError: when no broker answers.
    """
    for topic in topics:
        _DEAD_LETTERS.labels(topic.name)  # from nought on: of a series that begins with 1 Prometheus sees no increase
    await ensure_topics(bootstrap, [*topics, *map(dead_letters, topics)])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is set aside, and why.

    Attributes:
        event_id: its event, if it could be read so far.
    """

    record: Record
    reason: str
    event_id: str | None = None

    def tell(self) -> None:
        """Count it, and write its line."""
        _DEAD_LETTERS.labels(self.record.topic).inc()
        _log.error(
            "dead_letter",
            topic=self.record.topic,
            partition=self.record.partition,
            offset=self.record.offset,
            event_id=self.event_id,
            reason=self.reason,
        )

    def headers(self, group: str) -> list[tuple[str, bytes]]:
        """Tell, beside the record's own headers, who set it aside, where it stood, and the reason."""
        return [
            *self.record.headers,
            ("slotwire-dead-letter-reason", self.reason[:_REASON_CHARACTERS].encode()),
            ("slotwire-dead-letter-group", group.encode()),
            (
                "slotwire-dead-letter-origin",
                f"{self.record.topic}/{self.record.partition}/{self.record.offset}".encode(),
            ),
        ]


@dataclass(frozen=True, slots=True)
class ConsumerLoop(Generic[E]):
    """Reads topics as a member of a consumer group.

    Attributes:
        topics: what is read.
        group: the consumer group.
        bootstrap: the brokers.
        database: where the claims and the effects are.
        decode: turns a record into an event with its id; raises `PoisonError` for one that cannot be read.
        sink: takes the events in.
        backoff: the pauses while the database is away.
    """

    topics: tuple[Topic, ...]
    group: str
    bootstrap: str
    database: Database
    decode: Decode[E]
    sink: Sink[E]
    backoff: Backoff = field(default_factory=Backoff)

    async def run(self, stop: Stop) -> None:
        """Consume until asked to stop.

        Raises:
            KafkaError, OSError: when the broker is away; run it again.
        """
        await expect(self.bootstrap, self.topics)
        names = [topic.name for topic in self.topics]
        known = functools.partial(self._known, stop)
        async with Consumer.connected(self.bootstrap, names, group=self.group, known=known) as consumer:
            _log.info("consuming", topics=names, group=self.group)
            offsets = Offsets(consumer)
            at_most = _FIRST_RECORDS
            while not stop.is_set():
                wait = offsets.left(_FETCH_SECONDS)
                records = await consumer.fetch(at_most=at_most, wait_seconds=wait)
                at_most = _BATCH_RECORDS if len(records) >= _FIRST_RECORDS else _FIRST_RECORDS
                committing = asyncio.create_task(offsets.commit_ripe())  # while the next batch is under way
                try:
                    await self._process(records, stop)
                except _InterruptedError:
                    records = []
                finally:
                    await committing
                offsets.add(records)
            await offsets.commit()

    async def _known(self, stop: Stop, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Ask the sink what it knows, waiting for the database as long as it takes."""
        failures = 0
        while True:
            try:
                async with self.database.connection() as connection:
                    return await self.sink.known(connection, partitions)
            except TRANSIENT as error:
                failures += 1
                _log.warning("assignment_waits", group=self.group, error=repr(error), failures=failures)
                if await stop.wait(self.backoff.delay(failures, random.random())):  # noqa: S311 - jitter, not a secret
                    return {}

    async def _process(self, records: Sequence[Record], stop: Stop) -> None:
        """Take a batch to its end: every record is handled, known from before, or with the dead letters."""
        readable, dead = self._read(records)
        for part in self.sink.parts(readable):
            dead += await self._handle_all(part, stop)
        if dead:
            await self._bury(dead)
            await self._persist(functools.partial(self._set_aside, [letter.record for letter in dead]), len(dead), stop)

    def _read(self, records: Sequence[Record]) -> tuple[list[Incoming[E]], list[DeadLetter]]:
        readable: list[Incoming[E]] = []
        dead: list[DeadLetter] = []
        for record in records:
            try:
                readable.append(self.decode(record))
            except PoisonError as error:
                dead.append(DeadLetter(record, str(error)))
            except Exception as error:  # noqa: BLE001 - whatever a record provokes, it must not stop its partition
                dead.append(DeadLetter(record, f"{type(error).__name__}: {error}"))
        return readable, dead

    async def _handle_all(self, incoming: Sequence[Incoming[E]], stop: Stop) -> list[DeadLetter]:
        """Handle some in one transaction; if that fails, each half by itself, so that one cannot stop the others."""
        began = time.perf_counter()
        failure = await self._persist(functools.partial(self._take, incoming), len(incoming), stop)
        if failure is None or len(incoming) == 1:
            self._trace(incoming, time.perf_counter() - began, failure)
        if failure is None:
            return []
        if len(incoming) == 1:
            return [DeadLetter(incoming[0].record, f"{type(failure).__name__}: {failure}", incoming[0].event_id)]
        half = len(incoming) // 2
        return [*await self._handle_all(incoming[:half], stop), *await self._handle_all(incoming[half:], stop)]

    def _trace(self, incoming: Sequence[Incoming[E]], seconds: float, failure: Exception | None) -> None:
        error_type = None if failure is None else type(failure).__name__
        for one in incoming if tracing.is_on() else ():
            processed(
                one.record.topic,
                self.group,
                one.event_id,
                one.traceparent,
                seconds=seconds,
                error_type=error_type,
            )

    async def _take(self, incoming: Sequence[Incoming[E]]) -> After | None:
        await self.sink.prepare(incoming)
        async with self.database.connection() as connection:
            return await self.sink.take(connection, incoming)

    async def _set_aside(self, records: Sequence[Record]) -> None:
        async with self.database.connection() as connection:
            await self.sink.set_aside(connection, records)

    async def _persist(self, act: Callable[[], Awaitable[After | None]], records: int, stop: Stop) -> Exception | None:
        """Commit what is to be done, waiting for the database as long as it takes; answer what went wrong with it."""
        failures = 0
        while True:
            try:
                after = await act()
            except UNSTORABLE as error:
                _log.warning("batch_failed", group=self.group, error=repr(error), records=records)
                return error
            except TRANSIENT as error:
                failures += 1
                _log.warning("batch_waits", group=self.group, error=repr(error), failures=failures)
                if records > 1 and isinstance(error, asyncpg.DeadlockDetectedError):
                    return error  # so much at once would get in the other member's way again and again
                if await stop.wait(self.backoff.delay(failures, random.random())):  # noqa: S311 - jitter, not a secret
                    raise _InterruptedError from error
            except Exception as error:  # noqa: BLE001 - whatever a sink raises, its event must not stop the rest
                _log.warning("batch_failed", group=self.group, error=repr(error), records=records)
                return error
            else:
                if after is not None:
                    after()
                return None

    async def _bury(self, dead: Sequence[DeadLetter]) -> None:
        async with Producer.connected(self.bootstrap) as producer:
            acknowledged = [
                await producer.send(
                    dead_letter_topic(letter.record.topic),
                    key=letter.record.key,
                    value=letter.record.value,
                    headers=letter.headers(self.group),
                )
                for letter in dead
            ]
            await asyncio.gather(*acknowledged)
        for letter in dead:
            letter.tell()
