"""Taking up what a run has read: rows are put into chains, compared with what was told last, and told.

Invariant: what is told, how it is counted, and where the run goes on commit together; so a run that is taken again
tells nothing twice and counts nothing twice. No network call is made inside a transaction. What one account of
Cal.com's does not have is not gone if it was read of another one.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

import structlog

from calcom_sync.client import Calcom
from calcom_sync.domain.chains import REPLICA_LAG, Chain, arrange, is_surely_gone, linked
from calcom_sync.domain.counting import UNTAKEN, Fate, Outcome, news, outcomes
from calcom_sync.domain.course import Course, Stage
from calcom_sync.domain.errors import CalcomEndlessError, CalcomUnreadableError
from calcom_sync.domain.integration import Integration
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Bounds, Progress, RunKind
from calcom_sync.domain.snapshots import ANY_TIME, Observed, Skipped, View, observe
from calcom_sync.domain.status import is_due
from calcom_sync.domain.walking import by_update, latest
from calcom_sync.service.runs import Held, queued
from calcom_sync.service.telling import Telling
from calcom_sync.store import chains, rereading, rounds, runs
from calcom_sync.store.chains import Known
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from slotwire_contracts import CalcomBooking, FoundBy

_FOUND_BY: Mapping[RunKind, FoundBy] = {
    RunKind.MANUAL: FoundBy.SYNC,
    RunKind.INCREMENTAL: FoundBy.INCREMENTAL,
    RunKind.RECONCILE: FoundBy.RECONCILE,
    RunKind.WEBHOOK: FoundBy.WEBHOOK,
}
_TELLS_AGAIN = frozenset({RunKind.MANUAL, RunKind.RECONCILE})
"""The kinds of runs that tell again what booking has not taken over, though it is as it was."""

_LEFT = Skipped(Outcome.SUPERSEDED)
_log = structlog.get_logger(__name__)

Also = Callable[[Connection], Awaitable[None]]
"""What is written in the same transaction."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What syncs work with."""

    units: UnitOfWork
    database: Database
    telling: Telling
    clock: Clock
    ids: Ids
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Source:
    """Where an organization's bookings are read.

    Attributes:
        account: which of Cal.com's accounts that is.
        owner: the email of the API key's owner, lower case; None if it is not known.
    """

    calcom: Calcom
    integration: Integration
    account: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    Attributes:
        rows: each uid once.
        gone: uids that Cal.com does not have any more.
        unsure: uids that it does not find, which may yet come.
        is_single: each was asked for by itself, so no list's replica had a say.
    """

    rows: Sequence[Row] = ()
    gone: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    is_single: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a chain.

    Attributes:
        again: it is told although it is as it was told last.
        is_unsure: a list's replica may be wrong about it.
    """

    chain: Chain
    found: Observed | Skipped
    again: bool = False
    is_unsure: bool = False

    @property
    def is_moving(self) -> bool:
        """Whether it was moved to where it is not known, and would be told as called off."""
        return self.chain.is_open and isinstance(self.found, Observed)

    @property
    def is_left(self) -> bool:
        """Whether it was moved, and left to whoever finds out where to."""
        return self.chain.is_open and self.found == _LEFT

    def untold(self) -> Self:
        """Leave it to whoever finds out where it was moved to."""
        return replace(self, found=_LEFT)


class Taking:
    """What one run takes up.

    Args:
        tools: what it works with.
        held: the run.
        source: where it reads.
        fates: what became of the uids that the run has read already.
    """

    def __init__(self, tools: Tools, held: Held, source: Source, fates: dict[str, Fate]) -> None:
        self.run = held.run
        self.source = source
        self._tools = tools
        self._held = held
        self._fates = fates
        self._tally = held.run.progress.tally
        self._requests_before = held.run.progress.requests
        self._open: dict[str, Row] = {}
        self._lost: dict[str, Outcome] = {}
        self._unreadable: set[str] = set()

    async def get(self, uid: str) -> Row | None:
        """Read one booking; None if Cal.com does not have it, or does not give it out: then it is unreadable."""
        try:
            return await self.source.calcom.get(uid)
        except CalcomUnreadableError as error:
            _log.warning("booking_unreadable", run=self.run.id, uid=uid, error=error.message)
            self._unreadable.add(uid)
            return None

    def is_unreadable(self, uid: str) -> bool:
        """Tell whether a booking could not be read, so that nothing is known of it now."""
        return uid in self._unreadable

    async def reopen(self, uids: Iterable[str]) -> None:
        """Read again what waited for the end of the lists when the run was left.

        Of what is not to be had now nobody knows what it was: a later run has to read the lists that showed it.
        """
        for uid in uids:
            row = await self.get(uid)
            if row is not None:
                self._open[uid] = row
            else:
                self._lost[uid] = Outcome.UNREADABLE if self.is_unreadable(uid) else Outcome.STALE

    @property
    def is_whole(self) -> bool:
        """Whether all that the run was shown could be taken up."""
        return not self._lost and not self._tally.counts.get(Outcome.UNREADABLE)

    async def read(self, known: Iterable[CalcomBooking]) -> Read:
        """Read bookings by themselves."""
        rows, gone, unsure = list[Row](), set[str](), set[str]()
        for snapshot in known:
            row = await self.get(snapshot.uid)
            if row is not None:
                rows.append(row)
            elif self.is_unreadable(snapshot.uid):
                gone.add(snapshot.uid)
            else:
                sure = is_surely_gone(snapshot.updated_at or snapshot.created_at, self._tools.clock())
                (gone if sure else unsure).add(snapshot.uid)
        return Read(tuple(rows), frozenset(gone), frozenset(unsure), is_single=True)

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
        arranged, unsure = await self.arranged(read)
        whole = []
        for chain in arranged:
            if chain.is_open and not is_final:
                self._open |= {row.uid: row for row in chain.rows}
            else:
                whole.append(chain)
        decided = await self.decided(whole)
        if read.is_single:
            decided = self._but_moving(decided, REPLICA_LAG)
        else:
            if course.stage is Stage.RANGE:
                decided = self._but_moving(decided, timedelta())
            decided, late = await self._made_sure(decided)
            unsure |= late
        is_left = any(one.is_left for one in decided)

        async def advance(conn: Connection) -> None:
            if known_until is not None and not self._lost:
                await rounds.advance(conn, self.run.org_id, known_until)
            if is_left and self.run.kind is not RunKind.INCREMENTAL:  # which comes again anyway
                run = queued(self._tools.ids, self._tools.clock(), self.run.org_id, RunKind.INCREMENTAL)
                await runs.insert_unless_waiting(conn, run)

        left = dict.fromkeys(unsure, Outcome.STALE) | (self._lost if is_final else {})
        await self.write(decided, left, replace(course, open=(*self._open, *self._lost)), advance)

    async def arranged(self, read: Read) -> tuple[tuple[Chain, ...], frozenset[str]]:
        """Put rows into chains, reading those that are lacking; answers also those that are not to be had yet.

        Raises:
            CalcomEndlessError: behind each that is lacking another one is.
        """
        rows, gone, unsure = list(read.rows), read.gone, read.unsure
        for _ in range(self._tools.bounds.links + 1):
            async with self._tools.database.connection() as conn:
                known = await chains.uids(conn, self.run.org_id, linked(rows) | gone)
            arranged = arrange(rows, known, gone)
            if not arranged.wanted:
                return arranged.chains, unsure
            for uid in arranged.wanted:
                row = await self.get(uid)
                if row is not None:
                    rows.append(row)
                elif self.is_unreadable(uid) or self._is_gone(uid, rows):
                    gone |= {uid}
                else:
                    late = {one.uid for one in rows if uid in linked([one])}
                    unsure |= late
                    rows = [one for one in rows if one.uid not in late]
        raise CalcomEndlessError("Cal.com's answers name more and more bookings to which one was moved")

    def _is_gone(self, uid: str, rows: Iterable[Row]) -> bool:
        heard = [by_update(row) for row in rows if uid in linked([row])]
        return not heard or is_surely_gone(max(heard), self._tools.clock())

    async def decided(self, whole: Sequence[Chain]) -> list[Decided]:
        """Compare chains with what was told last."""
        ids, org_id, run = [chain.id for chain in whole], self.run.org_id, self.run
        async with self._tools.database.connection() as conn:
            before = await chains.fetch(conn, org_id, ids)
            is_told = run.kind in _TELLS_AGAIN
            owed = await rereading.owed(conn, org_id, run.id, ids) if is_told else frozenset[str]()
        decided: list[Decided] = []
        for chain in whole:
            last = before[chain.id].snapshot if chain.id in before else None
            found = observe(chain, last, self._view)
            if chain.is_gone and self.is_unreadable(chain.uid):
                decided.append(Decided(chain, Skipped(Outcome.UNREADABLE)))
            elif self._is_others(chain, before.get(chain.id)):
                decided.append(Decided(chain, Skipped(Outcome.OTHER_ACCOUNT)))
            elif last is not None and chain.id in owed and found == Skipped(Outcome.UNCHANGED):
                decided.append(Decided(chain, Observed(last, ()), again=True))
            else:
                is_unsure = isinstance(found, Observed) and (found.is_doubtful or self._is_due(last))
                decided.append(Decided(chain, found, is_unsure=is_unsure))
        return decided

    async def _made_sure(self, listed: Sequence[Decided]) -> tuple[list[Decided], frozenset[str]]:
        """Read by itself what a list's replica may be wrong about; it may have been moved by now.

        Returns:
            All, and the uids that are not to be had yet.
        """
        sure = [one for one in listed if not one.is_unsure]
        rows, listed_open = list[Row](), set[str]()
        for one in listed:
            if not one.is_unsure:
                continue
            uid = one.chain.uid
            row = await self.get(uid)
            if row is None:
                reason = Outcome.UNREADABLE if self.is_unreadable(uid) else Outcome.STALE
                sure.append(replace(one, found=Skipped(reason)))
            else:
                rows += (*(other for other in one.chain.rows if other.uid != uid), row)
                listed_open |= {one.chain.id} if one.chain.is_open else set()
        arranged, unsure = await self.arranged(Read(rows))
        again = await self.decided(arranged)
        known = [one for one in again if one.chain.id in listed_open]
        return [*sure, *known, *self._but_moving([one for one in again if one not in known], REPLICA_LAG)], unsure

    def _but_moving(self, decided: Iterable[Decided], lag: timedelta) -> list[Decided]:
        """Leave out what was moved when the list of changes may have been read already, or so late.

        Where it was moved to, that list tells the next time.

        Args:
            decided: what became of chains.
            lag: how far the list may have been behind.
        """
        since = self.run.created_at - lag
        return [one.untold() if one.is_moving and _is_later(one.chain.row, since) else one for one in decided]

    def _is_others(self, chain: Chain, known: Known | None) -> bool:
        """Tell whether a chain that is not found may well be there, for the account of which it was read."""
        return known is not None and chain.is_gone and not chain.rows and known.account != self.source.account

    def _is_due(self, last: CalcomBooking | None) -> bool:
        return last is not None and is_due(last, self._tools.clock())

    @property
    def _view(self) -> View:
        window = self.run.window if self.run.kind is RunKind.MANUAL else ANY_TIME
        return View(self.source.integration.terms, self._tools.clock(), self.source.owner, window)

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
            await self._note_untaken(unit.conn, decided, left)
            await also(unit.conn)
        self._tally = tally
        self._fates |= new

    async def _note_untaken(self, conn: Connection, decided: Sequence[Decided], left: Mapping[str, Outcome]) -> None:
        """Note which chains stay as they were although they were read."""
        untaken = {uid: outcome for uid, outcome in left.items() if outcome in UNTAKEN}
        taken = []
        for one in decided:
            if isinstance(one.found, Skipped) and one.found.reason in UNTAKEN:
                untaken[one.chain.id] = one.found.reason
            else:
                taken.append(one.chain.id)
        await chains.note_taken(conn, self.run.org_id, taken)
        await chains.note_untaken(conn, self.run.org_id, untaken, self._tools.clock())


def _is_later(row: Row | None, since: datetime) -> bool:
    return row is not None and row.updated_at is not None and row.updated_at > since


def _fates(decided: Sequence[Decided], told: Iterable[str]) -> dict[str, Fate]:
    """Tell what became of each uid that was read; None of those whose fate booking will tell."""
    waiting, found = set(told), dict[str, Fate]()
    for one in decided:
        outcome = one.found.reason if isinstance(one.found, Skipped) else Outcome.UNCHANGED
        found |= outcomes(one.chain, outcome)
        if one.chain.id in waiting:
            found[one.chain.uid] = None
    return found
