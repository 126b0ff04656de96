"""Faust: a member of a consumer group that ends when it is asked to, and loses nothing of what it reads.

What a service does with the records, and the tables that it keeps, are its `stream`'s. Invariants: records of a
partition are taken one after the other, and each is done with only when taking it has ended; one that cannot be taken
never stops its partition: it goes to the topic's dead letters with the reason, acknowledged before it is done with.
While a database is away, or a table's changelog not yet known, nothing is given up. The app is made anew for every run,
in a loop apart, since faust does not always end when asked to.
"""

import asyncio
import functools
import random
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from faust.exceptions import PartitionsMismatch
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP

from chassis.apart import apart
from chassis.backoff import Backoff
from chassis.consumer import DeadLetter, PoisonError, expect
from chassis.kafka import Record
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, UNSTORABLE
from slotwire_contracts import Topic, dead_letters

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 1.0
_START_SECONDS = 1.0
_END_SECONDS = 2.0
_LAST_SECONDS = 0.5
_BACKOFF = Backoff()

_NOT_YET = (*TRANSIENT, PartitionsMismatch)
"""What is no fault of a record: a database is away, or a changelog was made just now and is not known here yet."""


async def _nothing(over: Stop) -> None:
    while not await over.wait(_LOOK_SECONDS):
        pass


@dataclass(frozen=True, slots=True)
class Part:
    """What a service does in one run of an app.

    Attributes:
        take: handles a record, which may come again after a crash; raises `PoisonError` for one that cannot be read.
        beside: runs beside, and ends soon after its `Stop` is set, which comes when no record is taken any more.
    """

    take: Callable[[Record], Awaitable[None]]
    beside: Callable[[Stop], Awaitable[None]] = _nothing


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a consumer group.

    Attributes:
        bootstrap: the brokers.
        topic: what is read; it is created if it is missing, and so are its dead letters.
        group: the consumer group; the names of its tables' changelogs begin with it.
    """

    bootstrap: str
    topic: Topic
    group: str

    async def run(self, compose: Callable[[faust.App], Part], stop: Stop, *, name: str) -> None:
        """Read until asked to stop, which takes some three seconds at most, whatever the broker does.

        Args:
            compose: makes the service's part, with its tables if it has any, in the loop apart.
            stop: the request to stop.
            name: the name of the agent, and of the thread in which all of it runs.

        Raises:
            Exception: whatever ended the app; run it again.
        """
        await apart(functools.partial(self._live, compose, name), stop, name=name)

    async def _live(self, compose: Callable[[faust.App], Part], name: str, stop: Stop) -> None:
        with tempfile.TemporaryDirectory(prefix=f"slotwire-{name}-") as folder:  # faust wants one, and writes nothing
            app, over = self._app(folder), Stop()
            part = compose(app)
            _Agent(app, self.topic, part.take).enter(name)
            starting = asyncio.create_task(self._start(app))
            beside = asyncio.create_task(_run(part.beside, over))
            while not (stop.is_set() or app.should_stop or _failed(starting) or beside.done()):
                await stop.wait(_LOOK_SECONDS)
            ending = asyncio.create_task(_end(app, starting))
            await asyncio.wait([ending], timeout=_END_SECONDS)  # by itself it waits for as long as a broker is silent
            over.set()
            leaving = asyncio.create_task(_leave(app))
            await asyncio.wait([beside, leaving], timeout=_LAST_SECONDS)
        failures = [task.exception() for task in (starting, beside, ending) if _failed(task)]
        if app.crashed or failures:
            raise app.crash_reason or next(iter(failures), None) or RuntimeError(f"the stream {name} ended")

    async def _start(self, app: faust.App) -> None:
        await expect(self.bootstrap, [self.topic])
        await app.start()

    def _app(self, folder: str) -> faust.App:
        app = faust.App(
            self.group,
            broker=[f"aiokafka://{one}" for one in self.bootstrap.split(",")],
            store="memory://",
            datadir=folder,
            web_enabled=False,
            topic_disable_leader=True,
            topic_partitions=self.topic.partitions,
            table_standby_replicas=0,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.0,
            consumer_metadata_max_age_ms=5_000,  # so soon it is known that a table's changelog has been made
            broker_rebalance_timeout=10.0,  # for as long a member that is gone may hold up the others
        )
        app.transport.Consumer = _Consumer  # type: ignore[misc]  # no other app shares this transport
        return app


class _Agent:
    """Hands one record after the other over, and sees to it that each comes to its end."""

    def __init__(self, app: faust.App, topic: Topic, take: Callable[[Record], Awaitable[None]]) -> None:
        self._app = app
        self._source = topic.name
        self._aside = dead_letters(topic).name
        self._take = take

    def enter(self, name: str) -> None:
        """Become the app's agent."""
        source = self._app.topic(self._source, key_serializer="raw", value_serializer="raw", allow_empty=True)
        self._app.agent(source, name=name)(self._live)

    async def _live(self, stream: Any) -> None:
        try:
            await self._follow(stream.noack())  # by itself faust takes a record for done even if taking it failed
        except Exception as error:
            await self._app.crash(error)  # run again, it begins behind the last record that was done with
            raise

    async def _follow(self, stream: Any) -> None:
        async for event in stream.events():
            record = _record(event)
            reason = await self._handle(record)
            if reason is not None:
                await self._bury(DeadLetter(record, reason))
            await stream.ack(event)
            await asyncio.sleep(0)  # a long backlog leaves room for others

    async def _handle(self, record: Record) -> str | None:
        """Have a record taken, waiting for the database as long as it takes; answer why it cannot be, if so."""
        failures = 0
        while True:
            try:
                await self._take(record)
            except PoisonError as error:
                return str(error)
            except UNSTORABLE as error:
                return _reason(error)
            except _NOT_YET as error:
                failures += 1
                _log.warning("record_waits", topic=record.topic, error=repr(error), failures=failures)
                await asyncio.sleep(_BACKOFF.delay(failures, random.random()))  # noqa: S311 - jitter, not a secret
            except Exception as error:  # noqa: BLE001 - whatever a record provokes, it must not stop its partition
                return _reason(error)
            else:
                return None

    async def _bury(self, letter: DeadLetter) -> None:
        record = letter.record
        headers = dict(letter.headers(self._app.conf.id))
        sent = await self._app.send(self._aside, key=record.key, value=record.value, headers=headers)
        await sent  # the record is done with only when it is there
        letter.tell()


class _Reader(AIOKafkaConsumerThread):
    """What reads from Kafka, in the loop of the app.

    By itself faust reads in a thread, which misses a stop that comes while it starts; and to end it, faust holds up the
    app's loop, while the thread may wait for just that loop to tell the app of a rebalance.
    """

    async def start(self) -> None:
        """Start here."""
        self._thread_started.set()
        await self._default_start()
        await self.on_thread_started()

    async def stop(self) -> None:
        """Stop here."""
        if self._started.is_set() and not self._stopped.is_set():
            self._stopped.set()
            await self._shutdown_thread()

    def close(self) -> None:
        """Leave that to `stop`: faust would close it in a rebalance, before it has left the group."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to where the group is, in a rebalance, in which faust drops what it has read.

        Where nothing was committed yet, aiokafka by itself stays behind what was dropped, and it is never counted.
        """
        reader = self._ensure_consumer()
        found: Mapping[TP, int] = await reader.seek_to_committed()
        for place, offset in found.items():
            if not offset and place.topic not in self.app.tables.changelog_topics:
                reader.seek(place, 0)
        return found


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> _Reader:
        return _Reader(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)


def _record(event: Any) -> Record:
    message = event.message
    at = round((message.timestamp or 0) * 1000)
    headers = tuple(dict(message.headers or ()).items())
    return Record(message.topic, message.partition, message.offset, at, event.key, event.value or b"", headers)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def _run(beside: Callable[[Stop], Awaitable[None]], over: Stop) -> None:
    await beside(over)


async def _end(app: faust.App, starting: asyncio.Task[None]) -> None:
    # Let it start, if it does so soon: aiokafka forgets the connection at which it is when it is cancelled.
    await asyncio.wait([starting], timeout=_START_SECONDS)
    starting.cancel()
    await asyncio.wait([starting])
    await app.stop()


async def _leave(app: faust.App) -> None:
    """Have aiokafka's clients stop that faust has not come to: each complains unless it was asked to."""
    consumer: Any = app.consumer
    producer: Any = app.producer
    made = [consumer._thread._consumer, producer._producer]  # noqa: SLF001 - faust tells them to nobody
    await asyncio.gather(*(client.stop() for client in made if client is not None), return_exceptions=True)


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None
