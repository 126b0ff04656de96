"""Recoveries and replays in the background: one job at a time in a process, each for a short while in its turn.

Invariants: what is read of the log is bounded by a batch; a job is let go at the end of its stint, so that none waits
for another's end; one whose process dies is gone on with by another when its lease is over.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import assert_never

import structlog

from chassis.consumer import Incoming
from chassis.kafka import LogReader, Record, Stretch
from chassis.lifecycle import Stop
from webhook_dispatcher.domain.arrival import Arrival
from webhook_dispatcher.domain.replay import Replay, ReplayKind
from webhook_dispatcher.service.replaying import Replaying, Step

_log = structlog.get_logger(__name__)
_STINT_SECONDS = 2.0
_POLL_SECONDS = 1.0
_READ_SECONDS = 1.0
_REST_SECONDS = 0.01  # between two steps: what has just happened is sent by the same process
_PAUSES = {Step.MORE: 0.0, Step.WAIT: 0.5}


class Replayer:
    """Does the jobs.

    Args:
        bootstrap: the brokers.
        replaying: does their steps.
        topics: the names of the topics that make the log.
        group: the consumer group that takes events in.
        read: reads a record, as the consumer does.
        new_id: makes an id with a prefix.
    """

    def __init__(
        self,
        bootstrap: str,
        replaying: Replaying,
        *,
        topics: Sequence[str],
        group: str,
        read: Callable[[Record], Incoming[Arrival]],
        new_id: Callable[[str], str],
    ) -> None:
        self._bootstrap = bootstrap
        self._replaying = replaying
        self._topics = topics
        self._group = group
        self._read = read
        self._id = new_id("rpw")
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for a job soon."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Work until asked to stop.

        Raises:
            OSError, asyncpg.PostgresError: when the database is away; run it again.
        """
        stop.waking(self.wake)
        while not stop.is_set():
            self._woken.clear()
            replay = await self._replaying.claim(self._id)
            if replay is None:
                await self._wait()
            else:
                await self._stint(replay, stop)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _stint(self, replay: Replay, stop: Stop) -> None:
        """Go on with a job for a while, and let it go."""
        try:
            step = await self._go_on(replay, _Stint(stop))
        except Exception as error:  # noqa: BLE001 - whatever stops a step, it has changed nothing and is tried again
            _log.warning("replay_waits", replay=replay.id, error=repr(error))
            await self._replaying.fail(replay.id, self._id, error)
        else:
            await self._replaying.release(replay.id, self._id, timedelta(seconds=_PAUSES.get(step, 0.0)))

    async def _go_on(self, replay: Replay, stint: "_Stint") -> Step:
        match replay.order.kind:
            case ReplayKind.RECOVER:
                return await self._recover(replay, stint)
            case ReplayKind.REPLAY:
                async with LogReader.connected(self._bootstrap) as log:
                    return await self._replay(log, replay, stint)
            case _:
                assert_never(replay.order.kind)

    async def _recover(self, replay: Replay, stint: "_Stint") -> Step:
        step = Step.MORE
        while step is Step.MORE and await stint.goes_on():
            step = await self._replaying.recover(replay.id, self._id)
        return step

    async def _replay(self, log: LogReader, replay: Replay, stint: "_Stint") -> Step:
        if not replay.is_planned:
            since, until = (int(instant.timestamp() * 1000) for instant in (replay.order.since, replay.order.until))
            stretches = await log.stretches(self._topics, since, until)
            if await self._replaying.plan(replay.id, self._id, stretches) is Step.OVER:
                return Step.OVER
        waits = False
        for stretch in await self._replaying.stretches(replay.id):
            end = await self._end(log, replay, stretch)
            step = await self._read_on(log, replay, stretch, end, stint)
            if step is not Step.MORE or not await stint.goes_on():
                return step
            waits = waits or end < stretch.end
        return Step.WAIT if waits else await self._replaying.finish(replay.id, self._id)

    async def _end(self, log: LogReader, replay: Replay, stretch: Stretch) -> int:
        """Tell how far a stretch may be read now: not past the consumer, where events are written."""
        if replay.order.dry_run:
            return stretch.end
        return min(stretch.end, await log.committed(self._group, stretch.topic, stretch.partition))

    async def _read_on(self, log: LogReader, replay: Replay, stretch: Stretch, end: int, stint: "_Stint") -> Step:
        position, step = stretch.start, Step.MORE
        while position < end and step is Step.MORE and await stint.goes_on():
            records, behind = await log.read(
                stretch.topic,
                stretch.partition,
                start=position,
                end=end,
                at_most=self._replaying.limits.batch,
                wait_seconds=_READ_SECONDS,
            )
            step = await self._replaying.replay(replay, self._id, stretch, self._readable(records), behind)
            position = behind
        return step

    def _readable(self, records: Sequence[Record]) -> list[Arrival]:
        """Read what can be read; the rest is among the dead letters."""
        found = []
        for record in records:
            try:
                found.append(self._read(record).event)
            except Exception as error:  # noqa: BLE001 - as with the consumer, no record stops those behind it
                _log.info("replay_passes_over", topic=record.topic, offset=record.offset, error=repr(error))
        return found


class _Stint:
    """The while for which a job is gone on with."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._ends = asyncio.get_running_loop().time() + _STINT_SECONDS

    async def goes_on(self) -> bool:
        """Rest for a moment, and tell whether there is time for another step."""
        return not await self._stop.wait(_REST_SECONDS) and asyncio.get_running_loop().time() < self._ends
