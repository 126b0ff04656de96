"""Looking at the queues that are due, several at a time.

Invariants: a queue is looked at by one worker at a time, for as long as that keeps its take; a look that fails is owed
until one has ended well, and holds up no other queue; what was taken by a worker that is gone is taken by another.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from chassis import tracing
from chassis.backoff import Backoff
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Connection, Database
from waitlist.store import queues
from waitlist.store.queues import Taken
from waitlist.worker.metrics import DONE, FAILED, IN_FLIGHT, SECONDS

_log = structlog.get_logger(__name__)
_POLL_SECONDS = 1.0
_LEAST_SECONDS = 0.01  # between two looks for what is due
_BEATS = 3  # in which a take is kept, within the time for which it is good

Look = Callable[[str, str], Awaitable[None]]
"""Does what is to be done about a queue of an organization; it may be begun again after any of its steps."""
End = Callable[[Connection], Awaitable[None]]


class Worker:
    """Takes queues and has each of them looked at.

    Args:
        database: where they are.
        look: what a look is.
        at_once: how many looks are under way at most.
        lease: seconds for which a take is good without being kept.
        new_id: makes an id with a prefix.
        backoff: the pauses of a queue whose looks fail.
    """

    def __init__(
        self,
        database: Database,
        look: Look,
        *,
        at_once: int,
        lease: float,
        new_id: Callable[[str], str],
        backoff: Backoff = Backoff(base=0.5, cap=60.0),  # noqa: B008 - it is frozen
    ) -> None:
        self._database = database
        self._look = look
        self._at_once = at_once
        self._lease = timedelta(seconds=lease)
        self._new_id = new_id
        self._backoff = backoff
        self._woken = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Taken] = {}

    def wake(self) -> None:
        """Tell that a queue may be due; cheap, and never blocks."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Work until asked to stop; looks that are under way then come to their end."""
        stop.waking(self.wake)
        over = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(over))
            try:
                await self._work(group, stop)
                if self._under_way:
                    await asyncio.wait(self._under_way)
            finally:
                over.set()

    async def _work(self, group: asyncio.TaskGroup, stop: Stop) -> None:
        failures = 0
        while not stop.is_set():
            self._woken.clear()
            try:
                pause = await self._take(group)
                failures = 0
            except TRANSIENT as error:
                failures += 1
                pause = self._backoff.delay(failures, random.random())  # noqa: S311 - jitter, not a secret
                _log.warning("queues_wait", error=repr(error))
            await self._wait(pause)

    async def _take(self, group: asyncio.TaskGroup) -> float:
        """Take what is due and has room; answer how many seconds later something else may be due."""
        room = self._at_once - len(self._under_way)
        if not room:
            return _POLL_SECONDS  # or until a look has ended
        async with self._database.connection() as conn:
            taken = await queues.take(conn, self._new_id("tak"), room, self._lease)
            pause = await queues.pause(conn)
        for one in taken:
            task = group.create_task(self._attend(one))
            self._under_way[task] = one
            task.add_done_callback(self._ended)
        IN_FLIGHT.set(len(self._under_way))
        return _POLL_SECONDS if pause is None else pause

    async def _attend(self, taken: Taken) -> None:
        began = asyncio.get_running_loop().time()
        with tracing.within(taken.traceparent):
            await self._see(taken)
        SECONDS.observe(asyncio.get_running_loop().time() - began)

    async def _see(self, taken: Taken) -> None:
        """Look at a queue, and write how that ended."""
        attributes = {"slotwire.queue": taken.queue}
        try:
            with tracing.span("match queue", tracing.Kind.INTERNAL, taken.traceparent, attributes):
                await self._look(taken.org_id, taken.queue)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one queue, the others go on
            FAILED.inc()
            rest = self._backoff.delay(taken.failures + 1, random.random())  # noqa: S311 - jitter, not a secret
            _log.warning("match_failed", queue=taken.queue, org=taken.org_id, error=repr(error), again_in=rest)
            await self._write(partial(queues.rest, taken=taken, pause=timedelta(seconds=rest)))
        else:
            DONE.inc()
            await self._write(partial(queues.done, taken=taken))

    async def _write(self, end: End) -> None:
        try:
            async with self._database.connection() as conn:
                await end(conn)
        except TRANSIENT as error:
            _log.warning("take_left", error=repr(error))  # it runs out by itself

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        IN_FLIGHT.set(len(self._under_way))
        self.wake()

    async def _keep(self, over: Stop) -> None:
        """Keep the takes whose looks are under way."""
        while not await over.wait(self._lease.total_seconds() / _BEATS):
            holders = {taken.holder for taken in self._under_way.values()}
            if holders:
                await self._write(partial(queues.keep, holders=holders, lease=self._lease))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(max(seconds, _LEAST_SECONDS), _POLL_SECONDS)):
                await self._woken.wait()
        except TimeoutError:
            pass
