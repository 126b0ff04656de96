"""The scheduler: which delivery is attempted next.

Invariants: no lane queues more jobs than it has room for; first attempts and retries have slots of their own, so
neither waits for the other; endpoints are served in turn under the limits of their `Lane` and their `Gate`, so a dead
or slow one never delays another's first attempt (architecture.md I12). A job is here only while the worker holds its
delivery. All methods are synchronous: between two awaits of the event loop the picture is whole.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from webhook_dispatcher.domain.delivery import Job, Load
from webhook_dispatcher.domain.signs import Sign
from webhook_dispatcher.worker.gates import Gates
from webhook_dispatcher.worker.lanes import Lane, Start
from webhook_dispatcher.worker.metrics import IN_FLIGHT, QUEUED

_log = structlog.get_logger(__name__)


class Scheduler:
    """Starts attempts.

    Args:
        first: the lane of first attempts.
        retries: the lane of all others.
        gates: the gates of both.
        timer: tells seconds that never run backwards.
        perform: makes one attempt to its end, and never raises; tells what it says of its endpoint.
        may_start: whether an attempt may start now.
        refill: called when memory has room for what waits in the database.
        shed: called with jobs that are to wait in the database instead.
    """

    def __init__(
        self,
        *,
        first: Lane,
        retries: Lane,
        gates: Gates,
        timer: Callable[[], float],
        perform: Callable[[Job], Awaitable[Sign | None]],
        may_start: Callable[[], bool],
        refill: Callable[[], None],
        shed: Callable[[Sequence[Job]], None],
    ) -> None:
        self._lanes = {False: first, True: retries}
        self._gates = gates
        self._timer = timer
        self._perform = perform
        self._may_start = may_start
        self._refill = refill
        self._shed = shed
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[tuple[str, str]] = set()  # the leases and ids of attempts
        self._waiting: dict[bool, set[str]] = {False: set(), True: set()}
        for name, lane in (("first", first), ("retry", retries)):
            IN_FLIGHT.labels(name).set_function(functools.partial(getattr, lane, "in_flight"))
            QUEUED.labels(name).set_function(functools.partial(getattr, lane, "queued"))
        gates.watch(self.wake)

    def room_for_claims(self, subscription_id: str, *, retrying: bool) -> int:
        """Tell how many waiting deliveries of a subscription one lane wants: none until it has run low."""
        lane = self._lanes[retrying]
        return lane.room(subscription_id) if lane.is_low(subscription_id) else 0

    def room(self, *, retrying: bool) -> Load:
        """Tell how much more of all subscriptions one lane can hold."""
        return self._lanes[retrying].free

    def has_room_for_birth(self, subscription_id: str, mine: Load, taken: Load) -> bool:
        """Tell whether a new delivery can be held, when others will be that are not yet here: of it, and of all.

        It cannot while older ones of the subscription wait their turn.
        """
        if subscription_id in self._waiting[False]:
            return False
        return self._lanes[False].room(subscription_id, mine, taken) > 0

    def offer(self, jobs: Collection[Job]) -> None:
        """Queue deliveries that the worker holds, and start what may start.

        What does not fit waits in the database: into a lane that others were quicker to fill up, or behind an open
        breaker, where little may wait in memory.
        """
        excess = []
        for job in jobs:
            lane = self._lanes[job.is_again]
            if not lane.is_full:
                lane.put(job)
            else:
                excess.append(job)
                self._waiting[job.is_again].add(job.subscription_id)
        if excess:
            self._shed(excess)
        for endpoint in {job.subscription_id for job in jobs}:
            if self._gates.of(endpoint).is_open:
                self._make_room(endpoint)
        self.start()

    def start(self) -> None:
        """Start as many attempts as may start."""
        for lane in self._lanes.values():
            self._start(lane)

    def wake(self, endpoint: str) -> None:
        """Let an endpoint go on that had to wait: first in that lane which has waited longer."""
        retried_last = self._gates.of(endpoint).retried_last
        for lane in (self._lanes[not retried_last], self._lanes[retried_last]):
            lane.resume(endpoint)
            self._start(lane)

    def know_waiting(self, subscription_ids: Collection[str], *, retrying: bool) -> None:
        """Learn which subscriptions have deliveries waiting in the database, due now, in one lane."""
        self._waiting[retrying] = set(subscription_ids)

    def add_waiting(self, subscription_ids: Collection[str]) -> None:
        """Learn that more subscriptions have first attempts waiting in the database."""
        self._waiting[False].update(subscription_ids)

    def drop(self, subscription_id: str) -> Sequence[Job]:
        """Take out what is queued for a subscription."""
        return [job for lane in self._lanes.values() for job in lane.drop(subscription_id)]

    def clear(self) -> None:
        """Forget all that is queued; attempts under way go on."""
        for lane in self._lanes.values():
            lane.clear()
        self._gates.release()

    def held(self, lease: str) -> set[str]:
        """Tell the ids of the deliveries, queued or under way, that are held under an identity."""
        queued = {job.id for lane in self._lanes.values() for job in lane.jobs() if job.lease == lease}
        return queued | {job_id for job_lease, job_id in self._under_way if job_lease == lease}

    async def drain(self, seconds: float) -> None:
        """Wait for the attempts under way, and cancel those that take longer."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _start(self, lane: Lane) -> None:
        while (start := self._take(lane)) is not None:
            task = asyncio.get_running_loop().create_task(self._run(lane, start))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self, lane: Lane) -> Start | None:
        start = lane.take(self._timer()) if self._may_start() else None
        if start is not None:
            self._under_way.add((start.job.lease, start.job.id))
        return start

    async def _run(self, lane: Lane, start: Start | None) -> None:
        """Make an attempt, and go on with whichever is next in the lane: the slot stays in use."""
        while start is not None:
            sign = None
            try:
                sign = await self._perform(start.job)
            finally:
                self._end(lane, start, sign)
            endpoint = start.job.subscription_id
            if endpoint in self._waiting[lane.retrying] and lane.is_low(endpoint):
                self._refill()
            start = self._take(lane)

    def _end(self, lane: Lane, start: Start, sign: Sign | None) -> None:
        now, endpoint, was_open = self._timer(), start.job.subscription_id, start.gate.is_open
        noise = random.random()  # noqa: S311 - jitter, not a secret
        start.gate.end(sign, began=start.began, now=now, noise=noise, probe=start.probe)
        lane.done(start, now)
        self._under_way.discard((start.job.lease, start.job.id))
        if start.gate.is_open:
            self._make_room(endpoint)
        if start.gate.is_open is not was_open:
            _log.warning("breaker_closed" if was_open else "breaker_opened", subscription=endpoint)
            self.wake(endpoint)

    def _make_room(self, endpoint: str) -> None:
        """Let what waits behind an open breaker wait in the database, for memory is for those that get on."""
        for retrying, lane in self._lanes.items():
            if jobs := lane.shed(endpoint):
                self._waiting[retrying].add(endpoint)
                self._shed(jobs)
