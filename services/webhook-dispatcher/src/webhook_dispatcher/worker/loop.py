"""The worker as a whole: its parts, joined, and the order in which they end.

Invariant: at a stop nothing new is claimed or started; attempts under way may end, their outcomes are written, and
only then is the lease given up, when nothing else writes. A worker that is killed instead leaves rows that others
claim when its lease is over.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Database
from chassis.unit import UnitOfWork
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.delivery import DeliveryState, Job, Load, Outcome
from webhook_dispatcher.domain.exchange import Exchange
from webhook_dispatcher.domain.lease import Grant
from webhook_dispatcher.domain.signs import Sign, sign_of
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.service.discarding import Discarding
from webhook_dispatcher.worker.attempt import Attempts
from webhook_dispatcher.worker.claims import Claims
from webhook_dispatcher.worker.discards import Discards
from webhook_dispatcher.worker.gates import Gates
from webhook_dispatcher.worker.lanes import Lane
from webhook_dispatcher.worker.lease import Lease
from webhook_dispatcher.worker.outcomes import OutcomeWriter
from webhook_dispatcher.worker.scheduler import Scheduler
from webhook_dispatcher.worker.strays import Strays

_log = structlog.get_logger(__name__)
_DRAIN_SHARE = 0.7  # of the time that a stop gives: for attempts under way; the rest is for their outcomes
_BODIES = 64 * 1024 * 1024
_RETRY_SHARE = 4  # one part in so many of what an endpoint may use is for retries


@dataclass(frozen=True, slots=True)
class Limits:
    """The worker's bounds.

    Attributes:
        timeout: seconds for one attempt.
        margin: seconds for which a worker's heartbeat may fail before others take over.
        endpoint_slots: attempts under way to one endpoint that answers quickly; a quarter of them is for retries.
        slots: first attempts under way, over all endpoints.
        retry_slots: retries under way, over all endpoints.
        endpoint_queue: first attempts of one endpoint in memory.
        queue: first attempts in memory.
        drain: seconds that a stop may take.
        bodies: bytes of the bodies of first attempts in memory; a quarter as many are for retries.
    """

    timeout: float
    margin: float
    endpoint_slots: int
    slots: int
    retry_slots: int
    endpoint_queue: int
    queue: int
    drain: float
    bodies: int = _BODIES


class Worker:
    """Holds deliveries, attempts them, writes their outcomes; the `Memory` of the ingest.

    `settled` is called with each batch of outcomes after it was written, and must not take long.
    """

    def __init__(
        self,
        units: UnitOfWork,
        database: Database,
        directory: Directory,
        sender: Sender,
        limits: Limits,
        *,
        discarding: Discarding,
        settled: Callable[[Sequence[Outcome]], None],
        clock: Clock,
        timer: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self._limits = limits
        self._settled = settled
        self._sender = sender
        self._directory = directory
        self._clock = clock
        self._attempts = Attempts(sender, directory, clock)
        self._outcomes = OutcomeWriter(units, database, clock, self._written)
        self._lease = Lease(
            database,
            longest=limits.timeout,
            margin=limits.margin,
            lost=self._forget,
            resumed=self._resume,
            timer=timer,
            new_id=new_id,
        )
        self._gates = Gates(directory.active, most=limits.endpoint_slots, timer=timer)
        self._scheduler = Scheduler(
            first=_first_lane(limits, self._gates),
            retries=_retry_lane(limits, self._gates),
            gates=self._gates,
            timer=timer,
            perform=self._perform,
            may_start=self._may_start,
            refill=self._refill,
            shed=self._put_back,
        )
        self._claims = Claims(database, directory, self._scheduler, self._lease, clock)
        self._strays = Strays(database, self._lease, self._held, self._claims.wake)
        self._discards = Discards(discarding)
        self._stopping = False
        directory.watch(self._learn)

    def grant(self) -> Grant | None:
        """Give leave to lease new deliveries; None while nothing may be sent."""
        return None if self._stopping else self._lease.grant()

    def has_room(self, subscription_id: str, mine: Load, taken: Load) -> bool:
        """Tell whether one more new delivery of a subscription fits into memory beside what is about to come there."""
        return self._scheduler.has_room_for_birth(subscription_id, mine, taken)

    def offer(self, grant: Grant, jobs: Sequence[Job]) -> None:
        """Take deliveries that were leased with leave; those that come too late are left to whoever claims them."""
        if self._lease.honours(grant) and not self._stopping:
            self._scheduler.offer(jobs)

    def spilled(self, subscription_ids: Collection[str]) -> None:
        """Learn that new deliveries of some subscriptions wait in the database."""
        self._scheduler.add_waiting(subscription_ids)
        if any(self._scheduler.room_for_claims(one, retrying=False) for one in subscription_ids):
            self._claims.wake()

    def reopened(self) -> None:
        """Learn that deliveries were opened again, and wait in the database."""
        self._claims.wake()

    async def post(self, subscription: Subscription, job: Job, now: datetime) -> Exchange:
        """Sign and post a job's body as every attempt is; nothing follows from the answer."""
        return await self._attempts.exchange(subscription, job, now)

    async def run(self, stop: Stop) -> None:
        """Work until asked to stop, then end in order."""
        self._stopping = False
        parts = Stop()
        async with self._sender.opened(), asyncio.TaskGroup() as group:
            beside = (self._lease, self._outcomes, self._strays, self._discards)
            helpers = [group.create_task(part.run(parts)) for part in beside]
            try:
                await self._claims.run(stop)
            finally:
                await self._end(parts, helpers)

    async def _end(self, parts: Stop, helpers: Collection[asyncio.Task[None]]) -> None:
        self._stopping = True
        self._scheduler.clear()
        await self._scheduler.drain(self._limits.drain * _DRAIN_SHARE)
        parts.set()
        await asyncio.wait(helpers)
        try:
            await self._outcomes.flush()
            await self._lease.give_up()
        except TRANSIENT as error:
            _log.warning("lease_left", error=repr(error))  # it runs out by itself

    def _may_start(self) -> bool:
        return not self._stopping and not self._outcomes.is_full and self._lease.may_send()

    async def _perform(self, job: Job) -> Sign | None:
        outcome = await self._attempts.make(job)
        self._outcomes.put(outcome)
        return None if outcome.attempt is None else sign_of(outcome.attempt.exchange, self._clock())

    def _written(self, batch: Sequence[Outcome]) -> None:
        for outcome in batch:
            if outcome.state is DeliveryState.PENDING and outcome.due is not None:
                self._claims.wake_at(outcome.due)
        if any(outcome.passes_turn for outcome in batch):
            self._claims.wake()
        self._scheduler.start()
        self._settled(batch)

    def _learn(self, subscription_id: str) -> None:
        """Go by a subscription as it is now."""
        if self._directory.active(subscription_id) is None:
            for job in self._scheduler.drop(subscription_id):
                self._outcomes.put(self._attempts.discarded(job))
            self._discards.wake()
        self._gates.renew(subscription_id)

    def _held(self, lease: str) -> set[str]:
        return self._scheduler.held(lease) | self._outcomes.held(lease)

    def _forget(self) -> None:
        self._scheduler.clear()

    def _resume(self) -> None:
        self._scheduler.start()
        self._claims.wake()

    def _put_back(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._outcomes.put(Outcome(job, DeliveryState.PENDING))

    def _refill(self) -> None:
        self._claims.wake()


def _first_lane(limits: Limits, gates: Gates) -> Lane:
    return Lane(
        slots=limits.slots,
        endpoint_slots=max(1, limits.endpoint_slots - limits.endpoint_slots // _RETRY_SHARE),
        endpoint_queue=limits.endpoint_queue,
        queue=limits.queue,
        bodies=limits.bodies,
        retrying=False,
        gate_of=gates.of,
        hold=gates.hold,
    )


def _retry_lane(limits: Limits, gates: Gates) -> Lane:
    return Lane(
        slots=limits.retry_slots,
        endpoint_slots=max(1, limits.endpoint_slots // _RETRY_SHARE),
        endpoint_queue=max(1, limits.endpoint_queue // _RETRY_SHARE),
        queue=max(1, limits.queue // _RETRY_SHARE),
        bodies=max(1, limits.bodies // _RETRY_SHARE),
        retrying=True,
        gate_of=gates.of,
        hold=gates.hold,
    )
