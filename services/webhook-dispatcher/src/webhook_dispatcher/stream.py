"""The stream of attempts: what each endpoint's attempts add up to, in tables that Kafka keeps.

Two tables, each with its changelog: tallies in windows of a minute, and how each endpoint stands. Members of the group
share the partitions; one that takes a partition over, or comes back with nothing, rebuilds both tables from their
changelogs before it counts on, so nothing of them is kept here. What they say is written to PostgreSQL within a second
or so, and all of it again after a rebuild: there any instance can show it, whichever counts.

Invariants: a record is counted once, however often it comes: with each value stands the position of the record that was
counted last. One that cannot be read goes to the dead letters. Only this module imports faust; its app is made anew
whenever the loop runs, in a loop apart, since faust does not always end when asked to.
"""

import asyncio
import functools
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

import faust
import structlog
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP
from pydantic import TypeAdapter

from chassis.apart import apart
from chassis.clock import Clock
from chassis.consumer import DeadLetter
from chassis.kafka import Record, ensure_topics
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT
from slotwire_contracts import WEBHOOK_ATTEMPTS, DecodeError, Topic, WebhookAttempts, dead_letters, decode_attempts
from webhook_dispatcher.domain.health import MINUTES, Standing, Tally, Trial, minute_of, trials
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.store.health import CountedMinute, CountedStanding

_log = structlog.get_logger(__name__)
GROUP = "webhook-health"
_LOOK_SECONDS = 1.0
_START_SECONDS = 1.0
_END_SECONDS = 2.0
_WRITE_SECONDS = 0.5
_ROWS_AT_ONCE = 500
_KEPT_MINUTES = MINUTES + 5
_HOUR_MS = 3_600_000
_MINUTES_CHANGELOG = {"retention.ms": str(2 * _HOUR_MS), "segment.ms": str(_HOUR_MS)}
_STANDINGS_CHANGELOG = {"cleanup.policy": "compact,delete", "retention.ms": str(60 * 24 * _HOUR_MS)}

_MINUTE: TypeAdapter[CountedMinute] = TypeAdapter(CountedMinute)
_STANDING: TypeAdapter[CountedStanding] = TypeAdapter(CountedStanding)
Keep: TypeAlias = Callable[[Sequence[CountedMinute], Sequence[CountedStanding]], Awaitable[None]]
K = TypeVar("K")
V = TypeVar("V")


class HealthStream:
    """A member of the group that counts attempts.

    Args:
        bootstrap: the brokers.
        health: where what was counted is written, and acted upon.
        clock: tells which minutes are past.
        topic: the attempts.
        group: the consumer group; the changelogs' names begin with it.
    """

    def __init__(
        self,
        bootstrap: str,
        health: EndpointHealth,
        clock: Clock,
        *,
        topic: Topic = WEBHOOK_ATTEMPTS,
        group: str = GROUP,
    ) -> None:
        self._bootstrap = bootstrap
        self._health = health
        self._clock = clock
        self._topic = topic
        self._group = group

    async def run(self, stop: Stop) -> None:
        """Count until asked to stop, which takes some three seconds at most, whatever the broker does.

        Raises:
            Exception: whatever ended the app; run it again.
        """
        home = asyncio.get_running_loop()

        async def keep(minutes: Sequence[CountedMinute], standings: Sequence[CountedStanding]) -> None:
            kept = self._health.keep(minutes, standings)  # at home, where the pool's connections belong
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(kept, home))

        await apart(functools.partial(self._member, keep), stop, name="health")

    async def _member(self, keep: Keep, stop: Stop) -> None:
        with tempfile.TemporaryDirectory(prefix="slotwire-health-") as folder:  # faust wants one, and writes nothing
            app, over = self._app(folder), Stop()
            counts = _Counts(app, self._topic, keep, self._clock)
            starting = asyncio.create_task(self._start(app))
            writing = asyncio.create_task(counts.write_on(over))
            while not (stop.is_set() or app.should_stop or _failed(starting) or writing.done()):
                await stop.wait(_LOOK_SECONDS)
            ending = asyncio.create_task(_end(app, starting))
            await asyncio.wait([ending], timeout=_END_SECONDS)  # by itself it waits for as long as a broker is silent
            over.set()
            await asyncio.wait([writing], timeout=_WRITE_SECONDS)
        failures = [task.exception() for task in (starting, writing, ending) if _failed(task)]
        if app.crashed or failures:
            raise app.crash_reason or next(iter(failures), None) or RuntimeError("the stream of attempts ended")

    async def _start(self, app: faust.App) -> None:
        await ensure_topics(self._bootstrap, [self._topic, dead_letters(self._topic)])
        await app.start()

    def _app(self, folder: str) -> faust.App:
        app = faust.App(
            self._group,
            broker=[f"aiokafka://{one}" for one in self._bootstrap.split(",")],
            store="memory://",
            datadir=folder,
            web_enabled=False,
            topic_disable_leader=True,
            topic_partitions=self._topic.partitions,
            table_standby_replicas=0,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.0,
            broker_rebalance_timeout=10.0,  # for as long a member that is gone may hold up the others
        )
        app.transport.Consumer = _Consumer  # type: ignore[misc]  # no other app shares this transport
        return app


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


class _Counts:
    """The tables of one run of the app, and what of them is not yet written to PostgreSQL."""

    def __init__(self, app: faust.App, topic: Topic, keep: Keep, clock: Clock) -> None:
        self._app = app
        self._aside = dead_letters(topic).name
        self._keep = keep
        self._clock = clock
        self._window = faust.TumblingWindow(60.0)
        self._minute_table = app.Table(
            "minutes",
            value_type=bytes,
            partitions=topic.partitions,
            extra_topic_configs=_MINUTES_CHANGELOG,
            on_recover=self._rebuilt,
        )
        self._windows = self._minute_table.using_window(self._window)
        self._standing_table = app.Table(
            "standings", value_type=bytes, partitions=topic.partitions, extra_topic_configs=_STANDINGS_CHANGELOG
        )
        for table in (self._minute_table, self._standing_table):
            table.changelog_topic.replicas = -1  # as many as the broker gives a topic; as a setting faust refuses it
        self._minutes: dict[tuple[str, int], CountedMinute] = {}
        self._standings: dict[str, CountedStanding] = {}
        self._swept = 0
        source = app.topic(topic.name, key_serializer="raw", value_serializer="raw", allow_empty=True)
        app.agent(source, name="count")(self._take)

    async def write_on(self, over: Stop) -> None:
        """Write what was counted every second, and once more when it is over."""
        while not over.is_set():
            await over.wait(_LOOK_SECONDS)
            await self._write()

    async def _write(self) -> None:
        """Write what was counted; what the database does not take now is kept for the next time."""
        self._sweep()
        while self._minutes or self._standings:
            minutes, standings = _first(self._minutes), _first(self._standings)
            try:
                await self._keep(list(minutes.values()), list(standings.values()))
            except TRANSIENT as error:
                _log.warning("health_waits", error=repr(error))
                self._minutes = minutes | self._minutes
                self._standings = standings | self._standings
                return

    async def _take(self, stream: Any) -> None:
        try:
            await self._follow(stream.noack())  # by itself faust takes a record for done even if counting it failed
        except Exception as error:
            await self._app.crash(error)  # run again, it begins behind the last record that was counted
            raise

    async def _follow(self, stream: Any) -> None:
        async for event in stream.events():
            try:
                record = decode_attempts(event.value or b"")
            except DecodeError as error:
                await self._bury(event, str(error))
            else:
                self._count(record, event.message.offset)
            await stream.ack(event)
            await asyncio.sleep(0)  # a long backlog leaves room for deliveries

    def _count(self, record: WebhookAttempts, position: int) -> None:
        found = trials(record.attempts)
        if found:
            self._count_standing(record, position, found)
        oldest = minute_of(self._clock()) - _KEPT_MINUTES
        for minute, some in groupby(found, attrgetter("minute")):
            if minute > oldest:
                self._count_minute(record.subscription_id, minute, position, list(some))

    def _count_minute(self, subscription_id: str, minute: int, position: int, some: Sequence[Trial]) -> None:
        window = self._window.current(minute * 60.0)
        known = self._minute_table.get((subscription_id, window))
        before = CountedMinute(subscription_id, minute, -1, Tally()) if known is None else _MINUTE.validate_json(known)
        if position > before.position:
            after = replace(before, position=position, tally=before.tally.adding(some))
            self._windows[subscription_id][window] = _MINUTE.dump_json(after)
            self._minutes[subscription_id, minute] = after

    def _count_standing(self, record: WebhookAttempts, position: int, some: Sequence[Trial]) -> None:
        known = self._standing_table.get(record.subscription_id)
        fresh = CountedStanding(record.subscription_id, -1, Standing(record.active_since))
        before = fresh if known is None else _STANDING.validate_json(known)
        if position > before.position:
            standing = before.standing
            if record.active_since > standing.active_since:
                standing = fresh.standing
            if record.active_since == standing.active_since:  # else they went where it led before
                standing = standing.adding(some)
            after = replace(before, position=position, standing=standing)
            self._standing_table[record.subscription_id] = _STANDING.dump_json(after)
            self._standings[record.subscription_id] = after

    async def _bury(self, event: Any, reason: str) -> None:
        message = event.message
        record = Record(message.topic, message.partition, message.offset, 0, event.key, event.value or b"")
        _log.error("dead_letter", topic=message.topic, offset=message.offset, reason=reason)
        headers = dict(DeadLetter(record, reason).headers(self._app.conf.id))
        sent = await self._app.send(self._aside, key=record.key, value=record.value, headers=headers)
        await sent  # the record is done with only when it is there

    async def _rebuilt(self) -> None:
        """Write all that was rebuilt, once more: what was counted before a crash may not have been written."""
        for value in self._minute_table.values():
            one = _MINUTE.validate_json(value)
            self._minutes[one.subscription_id, one.minute] = one
        for value in self._standing_table.values():
            standing = _STANDING.validate_json(value)
            self._standings[standing.subscription_id] = standing

    def _sweep(self) -> None:
        """Let go of minutes that nobody asks for any more; their changelog does so by itself."""
        now = minute_of(self._clock())
        if now == self._swept:
            return
        self._swept = now
        kept = self._minute_table.data
        for key in [key for key in kept if key[1][1] < (now - _KEPT_MINUTES) * 60.0]:
            kept.pop(key, None)


def _first(some: dict[K, V]) -> dict[K, V]:
    """Take as much as is written at once."""
    return {key: some.pop(key) for key in list(islice(some, _ROWS_AT_ONCE))}


async def _end(app: faust.App, starting: asyncio.Task[None]) -> None:
    # Let it start, if it does so soon: aiokafka forgets the connection at which it is when it is cancelled.
    await asyncio.wait([starting], timeout=_START_SECONDS)
    starting.cancel()
    await asyncio.wait([starting])
    await app.stop()


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None
