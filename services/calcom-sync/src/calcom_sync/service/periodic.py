"""Runs that nobody asks for: asking for those that are due, and ending the wait for answers that do not come.

Invariant: of each organization one periodic run at most waits or is under way, however many look for what is due.
"""

from datetime import timedelta

from calcom_sync.domain.rounds import Due, due
from calcom_sync.service.runs import queued
from calcom_sync.store import rounds, runs
from calcom_sync.store.rounds import Candidate
from chassis.backoff import Backoff
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.postgres import Database

_REST = Backoff(base=60.0, cap=3600.0)


class Periodic:
    """The runs that are due.

    Args:
        database: the service's database.
        clock: tells the time.
        ids: makes ids.
        answers_within: seconds for which booking's answers are waited for, from a run's end.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, *, answers_within: float) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._answers_within = timedelta(seconds=answers_within)

    async def ask(self) -> int:
        """Ask for what is due now; tells how many runs that are."""
        async with self._database.connection() as conn:
            found = await rounds.candidates(conn, self._clock())
        asked = 0
        for one in found:
            wanted = due(one.rounds, self._clock(), _REST.delay)
            asked += wanted is not None and await self._ask(one, wanted)
        return asked

    async def _ask(self, one: Candidate, wanted: Due) -> bool:
        now = self._clock()
        run = queued(self._ids, now, one.org_id, wanted.kind, wanted.window(now))
        async with self._database.transaction() as conn:
            is_first = await rounds.claim(conn, one, wanted, run.id)
            if is_first:
                await runs.insert(conn, run)
        return is_first

    async def give_up(self) -> int:
        """End the wait for answers that should have come; tells of how many snapshots."""
        async with self._database.connection() as conn:
            return await runs.give_up(conn, self._clock() - self._answers_within)
