"""Taking deliveries from the database into memory: what did not fit, what falls due, what dead workers left.

Invariants: no more is claimed than the lanes have room for, and every active subscription that waits gets a like share;
what was claimed under a lease that is lost by the commit is left to others.
"""

import asyncio
import functools
import random
import time
from collections.abc import Sequence
from datetime import datetime

import structlog

from chassis.backoff import Backoff
from chassis.clock import Clock
from chassis.lifecycle import Stop
from chassis.postgres import TRANSIENT, Connection, Database
from webhook_dispatcher.domain.delivery import Job
from webhook_dispatcher.service.composition import Composition, compose
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.store import claims
from webhook_dispatcher.store.claims import Claimed, Line, Share
from webhook_dispatcher.worker.lease import Lease
from webhook_dispatcher.worker.metrics import CLAIM, OVERDUE
from webhook_dispatcher.worker.scheduler import Scheduler

_log = structlog.get_logger(__name__)
_BATCH = 500
_BATCH_BYTES = 8 * 1024 * 1024
_POLL_SECONDS = 1.0
_LEAST_SECONDS = 0.005  # between two looks, so that retries that fall due together are claimed together


class Claims:
    """Looks when something falls due, when memory has room, and once a second for what other workers left."""

    def __init__(
        self, database: Database, directory: Directory, scheduler: Scheduler, lease: Lease, clock: Clock
    ) -> None:
        self._database = database
        self._directory = directory
        self._scheduler = scheduler
        self._lease = lease
        self._clock = clock
        self._woken = asyncio.Event()
        self._backoff = Backoff(cap=_POLL_SECONDS)

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    def wake_at(self, due: datetime) -> None:
        """Look when something falls due, if that is before the next look anyway."""
        seconds = (due - self._clock()).total_seconds()
        if seconds < _POLL_SECONDS:
            asyncio.get_running_loop().call_later(max(0.0, seconds), self.wake)

    async def run(self, stop: Stop) -> None:
        """Claim until asked to stop."""
        stop.waking(self.wake)
        failures = 0
        while not stop.is_set():
            self._woken.clear()
            try:
                pause = await self._look() if self._lease.may_send() else _POLL_SECONDS
                failures = 0
            except TRANSIENT as error:
                failures += 1
                pause = self._backoff.delay(failures, random.random())  # noqa: S311 - jitter, not a secret
                _log.warning("claims_wait", error=repr(error))
            await self._wait(pause)
            await asyncio.sleep(_LEAST_SECONDS)

    async def _look(self) -> float:
        """Claim what is due and has room; answer how many seconds later something else may be."""
        grant, now, began = self._lease.grant(), self._clock(), time.perf_counter()
        async with self._database.transaction() as conn:
            waiting = await claims.waiting(conn)
            await self._directory.refresh(conn)  # it then knows every subscription of which something waits
            lines = [line for line in waiting if self._directory.active(line.subscription_id) is not None]
            shares = self._shares([line for line in lines if line.due_at <= now])
            claimed = await self._claim(conn, grant.lease, shares, now) if grant else []
        self._note(lines, now)
        if grant and claimed:
            CLAIM.observe(time.perf_counter() - began)
            if self._lease.honours(grant):
                self._scheduler.offer(_jobs(grant.lease, claimed))
            return 0.0
        return min((pause for line in lines if (pause := _seconds(line.due_at, now)) > 0), default=_POLL_SECONDS)

    def _shares(self, due: Sequence[Line]) -> list[Share]:
        """Divide a batch among the lines that have room."""
        rooms = [(line, self._scheduler.room_for_claims(line.subscription_id, retrying=line.retrying)) for line in due]
        open_lines = [(line, room) for line, room in rooms if room > 0]
        each = max(1, _BATCH // max(1, len(open_lines)))
        random.shuffle(open_lines)  # where more lines wait than one batch serves, none is always behind the others
        left = {retrying: self._scheduler.room(retrying=retrying).jobs for retrying in (False, True)}
        shares = []
        for line, room in open_lines[:_BATCH]:
            share = min(room, each, left[line.retrying])
            left[line.retrying] -= share
            if share:
                shares.append(Share(line.subscription_id, line.retrying, share, line.day))
        return shares

    async def _claim(self, conn: Connection, lease: str, shares: Sequence[Share], now: datetime) -> list[Claimed]:
        """Claim for each lane no more than half of the bytes that it has room for: one line may have them all."""
        claimed: list[Claimed] = []
        for retrying in (False, True):
            mine = [share for share in shares if share.retrying is retrying]
            if mine:
                size = min(_BATCH_BYTES, max(1, self._scheduler.room(retrying=retrying).size // 2))
                claimed += await claims.claim(conn, lease, mine, now, size=size)
        return claimed

    def _note(self, lines: Sequence[Line], now: datetime) -> None:
        due = [line for line in lines if line.due_at <= now]
        for retrying in (False, True):
            ids = {line.subscription_id for line in due if line.retrying is retrying}
            self._scheduler.know_waiting(ids, retrying=retrying)
        OVERDUE.set(max((-_seconds(line.due_at, now) for line in due), default=0.0))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, _POLL_SECONDS)):
                await self._woken.wait()
        except TimeoutError:
            pass


def _seconds(due: datetime, now: datetime) -> float:
    return (due - now).total_seconds()


def _jobs(lease: str, claimed: Sequence[Claimed]) -> list[Job]:
    composed = functools.lru_cache(maxsize=_BATCH)(compose)
    return [_job(lease, one, composed(one.record)) for one in claimed]


def _job(lease: str, claimed: Claimed, composition: Composition) -> Job:
    return Job(
        claimed.id,
        claimed.subscription_id,
        lease,
        claimed.attempts,
        composition.tail,
        claimed.round,
        claimed.earlier,
        is_ordered=claimed.is_ordered,
        traceparent=composition.traceparent,
    )
