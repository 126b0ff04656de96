"""Reading bookings again of which webhooks told: a run that walks through marks instead of a list.

Invariant: a mark goes in the transaction that tells what was read, and not before; so whoever is killed between the
webhook and then leaves the mark to the next.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.errors import CalcomEndlessError
from calcom_sync.domain.marks import Mark, Verdict, is_hearsay, is_patient, verdict
from calcom_sync.domain.run import RunKind
from calcom_sync.domain.snapshots import Observed, Skipped
from calcom_sync.service.deciding import Decided
from calcom_sync.service.metrics import READINGS
from calcom_sync.service.reading import Read
from calcom_sync.service.runs import ask_unless_waiting
from calcom_sync.service.taking import Taking
from calcom_sync.service.tools import Tools
from calcom_sync.store import webhooks
from chassis.postgres import Connection

_AT_ONCE = 10
_MOST = 50  # in one run, so that every organization has its turn


class Refetching:
    """One run over marks."""

    def __init__(self, tools: Tools, taking: Taking) -> None:
        self._tools = tools
        self._taking = taking
        self._reading = taking.reading
        self._run = taking.run
        self._endless: CalcomEndlessError | None = None

    async def carry_out(self) -> None:
        """Read what is marked and due; one that cannot be read is in nobody's way.

        Raises:
            CalcomEndlessError: the chain of one of them has no end; the others were read.
        """
        left = _MOST
        while left > 0 and (marks := await self._marks(min(left, _AT_ONCE))):
            await self._each(marks)
            left -= len(marks)
        if self._endless is not None:
            raise self._endless

    async def _marks(self, most: int) -> list[Mark]:
        async with self._tools.database.connection() as conn:
            return await webhooks.take(conn, self._run.org_id, self._run.id, most)

    async def _each(self, marks: Sequence[Mark]) -> None:
        """Read marked bookings, together if that can be; one whose chain has no end is in nobody's way."""
        try:
            await self._read(marks)
        except CalcomEndlessError as error:
            if len(marks) > 1:
                for mark in marks:
                    await self._each([mark])
                return
            self._endless = error
            async with self._tools.database.connection() as conn:
                await webhooks.leave(conn, self._run.org_id, self._run.id, [marks[0].uid])

    async def _read(self, marks: Sequence[Mark]) -> None:
        rows = {mark.uid: await self._reading.get(mark.uid) for mark in marks}
        now = self._tools.clock()
        unreadable = {mark.uid for mark in marks if self._reading.is_unreadable(mark.uid)}
        gone = {mark.uid for mark in marks if rows[mark.uid] is None and not is_patient(mark, now)} | unreadable
        read = Read(tuple(row for row in rows.values() if row is not None), frozenset(gone))
        arranged, unsure = await self._reading.arranged(read)
        decided = await self._taking.deciding.decided(arranged)
        doubtful = {one.chain.uid for one in decided if isinstance(one.found, Observed) and one.found.is_doubtful}
        hearsay = {mark.uid for mark in marks if is_hearsay(mark, now, is_doubtful=mark.uid in doubtful)}
        verdicts = {
            mark: Verdict.AGAIN
            if mark.uid in unsure | unreadable
            else verdict(mark, rows[mark.uid], now, is_doubtful=mark.uid in doubtful)
            for mark in marks
        }

        async def settle(conn: Connection) -> None:
            await self._settle(conn, verdicts)
            if any(each.is_moving for each in decided):
                await ask_unless_waiting(conn, self._tools.ids, now, self._run.org_id, RunKind.INCREMENTAL)

        left = dict.fromkeys(unsure, Outcome.STALE) | dict.fromkeys(unreadable, Outcome.UNREADABLE)
        await self._taking.write([_told(one, hearsay) for one in decided], left, None, settle)
        for each in verdicts.values():
            READINGS.labels(each.value).inc()

    async def _settle(self, conn: Connection, verdicts: dict[Mark, Verdict]) -> None:
        org_id = self._run.org_id
        settled = [mark for mark, each in verdicts.items() if each is Verdict.SETTLED]
        await webhooks.settle(conn, org_id, settled)
        await webhooks.leave(conn, org_id, self._run.id, [mark.uid for mark in verdicts])


def _told(one: Decided, hearsay: Collection[str]) -> Decided:
    """Leave out what is not to be told, or not yet."""
    if one.is_moving:
        return one.untold()
    return replace(one, found=Skipped(Outcome.STALE)) if one.chain.uid in hearsay else one
