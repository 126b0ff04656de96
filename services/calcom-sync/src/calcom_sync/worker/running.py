"""Carrying runs out, several at a time, one of each organization.

Invariants: a run is carried out by one worker at a time, for as long as that keeps its take; one that a worker leaves
behind, killed or asked to stop, is taken again and goes on where it stood; whatever is wrong with one run, the others
go on, and it ends with the reason. Those that somebody waits for never have all of several places.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from calcom_sync.domain.errors import CalcomSyncError
from calcom_sync.domain.run import PERIODIC, RunError, RunKind
from calcom_sync.service.runs import CarryOut, Held, LostError
from calcom_sync.store import runs
from calcom_sync.store.runs import Taken
from calcom_sync.worker.metrics import COMPLETED, FAILED, RUNS_UNDER_WAY
from chassis import tracing
from chassis.backoff import Backoff
from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, UNSTORABLE, Connection, Database

_log = structlog.get_logger(__name__)
_POLL_SECONDS = 1.0
_BEATS = 3  # in which a take is kept, within the time for which it is good
_FEW = 2  # places, of which none can be kept
_TAKES = 10  # after so many a run is given up: it may be what ends those who take it
_LEFT = RunError("internal_error", "the run was broken off again and again")
_OURS = RunError("internal_error", "something went wrong on our side")

Write = Callable[[Connection], Awaitable[object]]


class Runner:
    """Takes runs and has each of them carried out.

    Args:
        database: where they are.
        carry_out: carries one out.
        at_once: how many are under way at most.
        lease: seconds for which a take is good without being kept.
        clock: tells the time.
        new_id: makes an id with a prefix.
    """

    def __init__(
        self,
        database: Database,
        carry_out: CarryOut,
        *,
        at_once: int,
        lease: float,
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._database = database
        self._carry_out = carry_out
        self._at_once = at_once
        self._lease = timedelta(seconds=lease)
        self._clock = clock
        self._new_id = new_id
        self._backoff = Backoff(base=0.5, cap=30.0)
        self._woken = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Taken] = {}

    def wake(self) -> None:
        """Tell that a run waits; cheap, and never blocks."""
        self._woken.set()

    async def run(self, stop: Stop) -> None:
        """Work until asked to stop; what is under way then is left to whoever takes it next."""
        stop.waking(self.wake)
        over = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(over))
            try:
                await self._work(group, stop)
                for task in self._under_way:
                    task.cancel()
                if self._under_way:
                    await asyncio.wait(self._under_way)
            finally:
                over.set()

    async def _work(self, group: asyncio.TaskGroup, stop: Stop) -> None:
        failures = 0
        while not stop.is_set():
            self._woken.clear()
            try:
                pause = 0.0 if await self._take(group) else _POLL_SECONDS
                failures = 0
            except TRANSIENT as error:
                failures += 1
                pause = self._backoff.delay(failures, random.random())  # noqa: S311 - jitter, not a secret
                _log.warning("runs_wait", error=repr(error))
            await self._wait(pause)

    async def _take(self, group: asyncio.TaskGroup) -> bool:
        """Take a run, if there is room and one waits; tells whether it did."""
        if len(self._under_way) >= self._at_once:
            return False
        async with self._database.connection() as conn:
            taken = await runs.take(conn, self._new_id("tak"), self._lease, self._clock(), self._kinds)
        if taken is None:
            return False
        task = group.create_task(self._attend(taken))
        self._under_way[task] = taken
        task.add_done_callback(self._ended)
        RUNS_UNDER_WAY.set(len(self._under_way))
        return True

    @property
    def _kinds(self) -> frozenset[RunKind]:
        """The kinds of which one may be begun now: the last of several places is kept for those of a time."""
        waited_for = sum(taken.kind not in PERIODIC for taken in self._under_way.values())
        return PERIODIC if self._at_once > _FEW and waited_for >= self._at_once - 1 else frozenset(RunKind)

    async def _attend(self, taken: Taken) -> None:
        attributes = {"slotwire.run.id": taken.run_id, "slotwire.run.kind": taken.kind.value}
        with tracing.span("carry out run", tracing.Kind.INTERNAL, taken.traceparent, attributes) as span:
            await self._see_to(taken, span)

    async def _see_to(self, taken: Taken, span: tracing.Span) -> None:
        """Carry a run out, and write how that ended."""
        log = _log.bind(run=taken.run_id, org=taken.org_id)
        try:
            error = await self._outcome(taken)
        except asyncio.CancelledError:
            await self._write(partial(runs.let_go, taken=taken))
        except LostError:
            log.warning("run_lost")
        except TRANSIENT as transient:
            log.warning("run_left", error=repr(transient))  # its take runs out, and it is taken again
        else:
            log.info("run_ended", error=None if error is None else error.code, takes=taken.takes)
            (COMPLETED if error is None else FAILED).inc()
            if error is not None:
                span.fail(error.code)
            await self._write(partial(runs.end, taken=taken, error=error, now=self._clock()))

    async def _outcome(self, taken: Taken) -> RunError | None:
        """Carry a run out; answers why it failed, or None."""
        if taken.takes > _TAKES:
            return _LEFT
        async with self._database.connection() as conn:
            run = await runs.fetch(conn, taken.org_id, taken.run_id)
        if run is None:
            raise LostError(taken.run_id)
        try:
            await self._carry_out(Held(run, taken))
        except CalcomSyncError as refused:
            return RunError(refused.code, refused.message)
        except UNSTORABLE as error:
            _log.error("run_unstorable", run=taken.run_id, error=repr(error))
            return _OURS
        except (LostError, *TRANSIENT):
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one run, the others go on
            _log.exception("run_failed", run=taken.run_id)
            return _OURS
        return None

    async def _write(self, write: Write) -> None:
        try:
            async with self._database.connection() as conn:
                await write(conn)
        except TRANSIENT as error:
            _log.warning("take_left", error=repr(error))  # it runs out by itself

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        RUNS_UNDER_WAY.set(len(self._under_way))
        self.wake()

    async def _keep(self, over: Stop) -> None:
        """Keep the takes of what is under way."""
        while not await over.wait(self._lease.total_seconds() / _BEATS):
            holders = {taken.holder for taken in self._under_way.values()}
            if holders:
                await self._write(partial(runs.keep, holders=holders, lease=self._lease))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
