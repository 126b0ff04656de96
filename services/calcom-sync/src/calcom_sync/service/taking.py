"""Taking up what a run has read: what is new is told, and written down.

Invariant: what is told, how it is counted, and where the run goes on commit together; so a run that is taken again
tells nothing twice and counts nothing twice.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from calcom_sync.domain.chains import Chain
from calcom_sync.domain.counting import UNTAKEN, Fate, Outcome, news, outcomes
from calcom_sync.domain.course import Course, Stage
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Progress, RunKind
from calcom_sync.domain.snapshots import Observed, Skipped
from calcom_sync.domain.walking import by_update, latest
from calcom_sync.service.deciding import Decided, Deciding
from calcom_sync.service.reading import Read, Reading
from calcom_sync.service.runs import Held, ask_unless_waiting
from calcom_sync.service.tools import Source, Tools
from calcom_sync.store import chains, rounds
from chassis.postgres import Connection
from slotwire_contracts import FoundBy

_FOUND_BY: Mapping[RunKind, FoundBy] = {
    RunKind.MANUAL: FoundBy.SYNC,
    RunKind.INCREMENTAL: FoundBy.INCREMENTAL,
    RunKind.RECONCILE: FoundBy.RECONCILE,
    RunKind.WEBHOOK: FoundBy.WEBHOOK,
}
Also = Callable[[Connection], Awaitable[None]]
"""What is written in the same transaction."""


class Taking:
    """What one run takes up, and how it reads and decides.

    Args:
        tools: what it works with.
        held: the run.
        source: where it reads.
        fates: what became of the uids that the run has read already.
    """

    def __init__(self, tools: Tools, held: Held, source: Source, fates: dict[str, Fate]) -> None:
        self.run = held.run
        self.source = source
        self.reading = Reading(tools, held.run, source)
        self.deciding = Deciding(tools, held.run, source, self.reading)
        self._tools = tools
        self._held = held
        self._fates = fates
        self._tally = held.run.progress.tally
        self._requests_before = held.run.progress.requests
        self._open: dict[str, Row] = {}
        self._lost: dict[str, Outcome] = {}

    async def reopen(self, uids: Iterable[str]) -> None:
        """Read again what waited for the end of the lists when the run was left.

        Of what is not to be had now nobody knows what it was: a later run has to read the lists that showed it.
        """
        for uid in uids:
            row = await self.reading.reread(uid)
            if row is not None:
                self._open[uid] = row
            else:
                self._lost[uid] = Outcome.UNREADABLE if self.reading.is_unreadable(uid) else Outcome.STALE

    async def moved_since(self, course: Course) -> datetime | None:
        """Tell since when those may have been moved that are open and would be told as called off; None: there is none.

        One that does not say when it changed may have been moved at any time since it was made.
        """
        if not self._open:
            return None
        arranged, _ = await self.reading.arranged(Read(tuple(self._open.values())))
        rows = [one.chain.row for one in await self._decided(arranged, course) if one.is_moving]
        return min((by_update(row) for row in rows if row is not None), default=None)

    @property
    def is_whole(self) -> bool:
        """Whether nothing that the run was shown was lost; what cannot be read is asked for again when it is due."""
        return not self._lost

    async def take(
        self, read: Read, course: Course, *, is_final: bool = False, known_until: datetime | None = None
    ) -> None:
        """Tell what is new in what was read, and write how far the run is.

        Args:
            read: what was read.
            course: where the run goes on, but for what is open.
            is_final: whether all lists are read, so that nothing is open any more.
            known_until: up to which update the organization's bookings are known with this, if that is known and
                nothing was lost.
        """
        for row in read.rows:
            self._lost.pop(row.uid, None)
        if is_final:
            read = replace(read, rows=latest([*self._open.values(), *read.rows]))
            self._open = {}
        arranged, unsure = await self.reading.arranged(read)
        whole = []
        for chain in arranged:
            if chain.is_open and not is_final:
                self._open |= {row.uid: row for row in chain.rows}
            else:
                whole.append(chain)
        decided = await self._decided(whole, course)
        if not read.is_single:
            decided, late = await self.deciding.made_sure(decided)
            unsure |= late
        is_left = any(one.is_left for one in decided)

        async def advance(conn: Connection) -> None:
            if known_until is not None and not self._lost:
                await rounds.advance(conn, self.run.org_id, known_until)
            if is_left and self.run.kind is not RunKind.INCREMENTAL:  # which comes again anyway
                now = self._tools.clock()
                await ask_unless_waiting(conn, self._tools.ids, now, self.run.org_id, RunKind.INCREMENTAL)

        left = dict.fromkeys(unsure, Outcome.STALE) | (self._lost if is_final else {})
        await self.write(decided, left, replace(course, open=(*self._open, *self._lost)), advance)

    async def _decided(self, whole: Sequence[Chain], course: Course) -> list[Decided]:
        """Compare chains with what was told last, but for what moved when the list of changes had been read."""
        decided = await self.deciding.decided(whole)
        return self.deciding.but_moving(decided, self.run.created_at if course.stage is Stage.RANGE else None)

    async def write(
        self, decided: Sequence[Decided], left: Mapping[str, Outcome], course: Course | None, also: Also
    ) -> None:
        """Tell what is new, and write what became of what was read, and where the run goes on.

        Args:
            decided: what became of each chain.
            left: what became of uids of which no chain could be made.
            course: where it goes on; None: at the beginning.
            also: what is written in the same transaction.

        Raises:
            LostError: another one holds the run now.
        """
        run, by = self.run, _FOUND_BY[self.run.kind]
        seen = [one.found.snapshot for one in decided if isinstance(one.found, Observed)]
        again = frozenset(one.chain.id for one in decided if one.again)
        async with self._tools.units.begin() as unit:
            told = await self._tools.telling.tell(unit, run.org_id, seen, by=by, run_id=run.id, again=again)
            found = _fates(decided, told.keys()) | dict(left)
            uids = [uid for one in decided if one.chain.id in told for uid in one.chain.uids]
            new = news(self._fates, found, uids)
            old = [fate for fate in (self._fates.get(uid) for uid in new) if fate is not None]
            tally = self._tally.without(old).adding(fate for fate in new.values() if fate is not None)
            progress = Progress(course and course.stored, tally, self._requests_before + self.source.calcom.requests)
            await self._held.save(unit.conn, progress, told, new)
            there = [one.chain.id for one in decided if one.chain.rows]
            await chains.claim(unit.conn, run.org_id, there, self.source.account)
            await self._note_untaken(unit.conn, decided, {uid: left[uid] for uid in left if uid in new})
            await also(unit.conn)
        self._tally = tally
        self._fates |= new

    async def _note_untaken(self, conn: Connection, decided: Sequence[Decided], left: Mapping[str, Outcome]) -> None:
        """Note which chains stay as they were although their current booking was read."""
        current = await chains.of_current(conn, self.run.org_id, left)
        untaken = {chain_id: left[uid] for chain_id, uid in current.items() if left[uid] in UNTAKEN}
        taken = []
        for one in decided:
            if isinstance(one.found, Skipped) and one.found.reason in UNTAKEN:
                untaken[one.chain.id] = one.found.reason
            elif one.chain.row is not None or one.chain.is_gone:
                taken.append(one.chain.id)
        await chains.note_taken(conn, self.run.org_id, taken)
        await chains.note_untaken(conn, self.run.org_id, untaken, self._tools.clock())


def _fates(decided: Sequence[Decided], told: Iterable[str]) -> dict[str, Fate]:
    """Tell what became of each uid that was read; None of those whose fate booking will tell."""
    waiting, found = set(told), dict[str, Fate]()
    for one in decided:
        outcome = one.found.reason if isinstance(one.found, Skipped) else Outcome.UNCHANGED
        found |= outcomes(one.chain, outcome)
        if one.chain.id in waiting:
            found[one.chain.uid] = None
    return found
