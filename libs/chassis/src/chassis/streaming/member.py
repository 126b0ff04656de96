"""A member of a group: an app that is made anew for every run, in a loop apart.

Invariant: a run ends soon after it is asked to, whatever the broker does, and leaves nothing behind.
"""

import asyncio
import functools
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import faust

from chassis.apart import apart
from chassis.consumer import expect
from chassis.kafka import Record
from chassis.lifecycle import Stop
from chassis.streaming.agent import Agent
from chassis.streaming.consuming import Consumer
from chassis.streaming.keeping import Producer, Recovery
from slotwire_contracts import Topic

_LOOK_SECONDS = 1.0
_START_SECONDS = 1.0
_END_SECONDS = 2.0
_LAST_SECONDS = 0.5


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
            Agent(app, self.topic, part.take).enter(name)
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
        app.transport.Consumer = Consumer  # type: ignore[misc]  # no other app shares this transport, nor the next
        app.transport.Producer = Producer  # type: ignore[misc]
        tables: Any = app.tables
        tables._recovery = Recovery(app, tables, beacon=tables.beacon, loop=tables.loop)  # noqa: SLF001 - no setting
        return app


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
