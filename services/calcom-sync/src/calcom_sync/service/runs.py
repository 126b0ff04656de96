"""Use cases on runs: asking for one, looking at it, and holding one while it is carried out.

Invariant: whoever holds a run no more writes nothing of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from calcom_sync.domain.counting import Fate, Outcome, Tally
from calcom_sync.domain.errors import NotFoundError
from calcom_sync.domain.run import LISTED, Progress, Run, RunKind, RunState
from calcom_sync.domain.snapshots import ANY_TIME
from calcom_sync.domain.window import Window
from calcom_sync.store import runs
from calcom_sync.store.runs import Taken
from chassis.clock import Clock
from chassis.idempotency import KEPT, Once
from chassis.ids import Ids
from chassis.postgres import Connection, Database
from slotwire_contracts import CalcomBookingApplied

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds, while a run is waited for


class LostError(Exception):
    """The run is held by another one now."""


@dataclass(frozen=True, slots=True)
class Held:
    """A run that is being carried out.

    Attributes:
        run: as it was when it was taken.
    """

    run: Run
    taken: Taken

    async def save(
        self, conn: Connection, progress: Progress, told: Mapping[str, str], fates: Mapping[str, Fate]
    ) -> None:
        """Write how far it is, and what it told booking, in the caller's transaction.

        Args:
            conn: a connection in a transaction.
            progress: all of it, not what came since the last time.
            told: the ids of the events that were told now, by the chains' ids.
            fates: what became of the uids that were read since the last time.

        Raises:
            LostError: it is held no more; nothing of the transaction may be committed.
        """
        if not await runs.save(conn, self.taken, progress):
            raise LostError(self.run.id)
        if told:
            await runs.add_items(conn, self.run.id, told)
        if fates:
            await runs.note_fates(conn, self.run.id, fates)


CarryOut = Callable[[Held], Awaitable[None]]
"""Carries a run out from where it stands; it may be begun again after any of its steps."""


def queued(ids: Ids, now: datetime, org_id: str, kind: RunKind, window: Window = ANY_TIME) -> Run:
    """Make a run that waits."""
    return Run(
        id=ids.new("run"),
        org_id=org_id,
        kind=kind,
        state=RunState.QUEUED,
        window=window,
        progress=Progress(),
        answered=Tally(),
        unanswered=0,
        error=None,
        created_at=now,
        started_at=None,
        ended_at=None,
    )


async def ask_unless_waiting(conn: Connection, ids: Ids, now: datetime, org_id: str, kind: RunKind) -> None:
    """Ask for a run, unless one of the kind waits already.

    Within a run of the organization nobody has to be told: it waits for that one's end, at which others are looked for.
    """
    await runs.insert_unless_waiting(conn, queued(ids, now, org_id, kind))


class Runs:
    """What was asked for.

    Args:
        database: the service's database.
        clock: tells the time.
        ids: makes ids.
        wake: tells whoever carries runs out that one waits.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._wake = wake

    async def ask(self, org_id: str, kind: RunKind, window: Window = ANY_TIME) -> Run:
        """Ask for a run."""
        run = queued(self._ids, self._clock(), org_id, kind, window)
        async with self._database.connection() as conn:
            await runs.insert(conn, run)
        self._wake()
        return run

    async def ask_once(self, org_id: str, kind: RunKind, window: Window, once: Once) -> tuple[str, bool]:
        """Ask for a run, unless that was done with the same idempotency key; tells which it is, and whether it is new.

        A run that failed is asked for anew.

        Raises:
            IdempotencyKeyReusedError: the key came with another body.
        """
        now = self._clock()
        run = queued(self._ids, now, org_id, kind, window)
        async with self._database.transaction() as conn:
            other = await runs.insert_once(conn, run, once.scope, once.fingerprint, now - KEPT)
        if other is not None:
            once.check(other.fingerprint)
            return other.run_id, False
        self._wake()
        return run.id, True

    async def ask_unless_waiting(self, org_id: str, kind: RunKind) -> None:
        """Ask for a run, unless one of the kind waits already."""
        async with self._database.connection() as conn:
            await ask_unless_waiting(conn, self._ids, self._clock(), org_id, kind)
        self._wake()

    async def get(self, org_id: str, run_id: str) -> Run:
        """Read a run.

        Raises:
            NotFoundError: the organization has no such run.
        """
        async with self._database.connection() as conn:
            found = await runs.fetch(conn, org_id, run_id)
        if found is None:
            raise NotFoundError("the organization has no such run")
        return found

    async def page(self, org_id: str, before: str | None, limit: int, kinds: Collection[RunKind] = LISTED) -> list[Run]:
        """Read runs of some kinds, the newest first, from behind one on."""
        async with self._database.connection() as conn:
            return await runs.page(conn, org_id, before, limit, kinds)

    async def settled(self, org_id: str, run_id: str, *, within: float) -> Run:
        """Wait until a run is over and booking has answered; or for so many seconds, and then read it as it is.

        Raises:
            NotFoundError: the organization has no such run.
        """
        pause, until = _FIRST_PAUSE, time.monotonic() + within
        while True:
            run = await self.get(org_id, run_id)
            left = until - time.monotonic()
            if run.is_settled or left <= 0:
                return run
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)


async def note_answers(conn: Connection, answers: Sequence[CalcomBookingApplied]) -> None:
    """Note what became of what runs told booking.

    Args:
        conn: a connection in a transaction.
        answers: what booking said.
    """
    told = {one.causationid: Outcome(one.data.resource.outcome) for one in answers if one.causationid}
    await runs.answer(conn, list(told.items()))
