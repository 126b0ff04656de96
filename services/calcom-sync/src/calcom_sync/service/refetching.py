"""Reading bookings again of which webhooks told: a run that walks through marks instead of a list.

Invariant: a mark goes in the transaction that tells what was read, and not before; so whoever is killed between the
webhook and then leaves the mark to the next.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.errors import CalcomEndlessError, CalcomMalformedError
from calcom_sync.domain.marks import Mark, Verdict, is_hearsay, is_patient, verdict
from calcom_sync.domain.run import RunKind
from calcom_sync.domain.snapshots import Observed, Skipped
from calcom_sync.service.metrics import READINGS
from calcom_sync.service.runs import queued
from calcom_sync.service.taking import Decided, Read, Taking, Tools
from calcom_sync.store import runs, webhooks
from chassis.postgres import Connection

_AT_ONCE = 10
_MOST = 50  # in one run, so that every organization has its turn


class Refetching:
    """One run over marks."""

    def __init__(self, tools: Tools, taking: Taking) -> None:
        self._tools = tools
        self._taking = taking
        self._run = taking.run
        self._unreadable: CalcomMalformedError | CalcomEndlessError | None = None

    async def carry_out(self) -> None:
        """Read what is marked and due.

        Raises:
            CalcomMalformedError, CalcomEndlessError: one of them cannot be read; the others were.
        """
        left = _MOST
        while left > 0 and (marks := await self._marks(min(left, _AT_ONCE))):
            await self._each(marks)
            left -= len(marks)
        if self._unreadable is not None:
            raise self._unreadable

    async def _marks(self, most: int) -> list[Mark]:
        async with self._tools.database.connection() as conn:
            return await webhooks.take(conn, self._run.org_id, self._run.id, most)

    async def _each(self, marks: Sequence[Mark]) -> None:
        """Read marked bookings, together if that can be; one that cannot be read is in nobody's way."""
        try:
            await self._read(marks)
        except (CalcomMalformedError, CalcomEndlessError) as error:
            if len(marks) > 1:
                for mark in marks:
                    await self._each([mark])
                return
            self._unreadable = error
            async with self._tools.database.connection() as conn:
                await webhooks.leave(conn, self._run.org_id, self._run.id, [marks[0].uid])

    async def _read(self, marks: Sequence[Mark]) -> None:
        rows = {mark.uid: await self._taking.source.calcom.get(mark.uid) for mark in marks}
        now = self._tools.clock()
        gone = frozenset(mark.uid for mark in marks if rows[mark.uid] is None and not is_patient(mark, now))
        read = Read(tuple(row for row in rows.values() if row is not None), gone)
        arranged, unsure = await self._taking.arranged(read)
        decided = await self._taking.decided(arranged, is_sure=True)
        doubtful = {one.chain.uid for one in decided if isinstance(one.found, Observed) and one.found.is_doubtful}
        hearsay = {mark.uid for mark in marks if is_hearsay(mark, now, is_doubtful=mark.uid in doubtful)}
        verdicts = {
            mark: Verdict.AGAIN
            if mark.uid in unsure
            else verdict(mark, rows[mark.uid], now, is_doubtful=mark.uid in doubtful)
            for mark in marks
        }

        async def settle(conn: Connection) -> None:
            await self._settle(conn, verdicts)
            if any(_is_moving(each) for each in decided):
                run = queued(self._tools.ids, now, self._run.org_id, RunKind.INCREMENTAL)
                await runs.insert_unless_waiting(conn, run)

        await self._taking.write([_told(one, hearsay) for one in decided], unsure, None, settle)
        for each in verdicts.values():
            READINGS.labels(each.value).inc()

    async def _settle(self, conn: Connection, verdicts: dict[Mark, Verdict]) -> None:
        org_id = self._run.org_id
        settled = [mark for mark, each in verdicts.items() if each is Verdict.SETTLED]
        await webhooks.settle(conn, org_id, settled)
        await webhooks.leave(conn, org_id, self._run.id, [mark.uid for mark in verdicts])


def _told(one: Decided, hearsay: Collection[str]) -> Decided:
    """Leave out what is not to be told, or not yet."""
    if _is_moving(one):
        return replace(one, found=Skipped(Outcome.SUPERSEDED))
    return replace(one, found=Skipped(Outcome.STALE)) if one.chain.uid in hearsay else one


def _is_moving(one: Decided) -> bool:
    """Tell whether a booking was moved to where it is not known: what changed is walked then, to find out."""
    return one.chain.is_open and isinstance(one.found, Observed)
