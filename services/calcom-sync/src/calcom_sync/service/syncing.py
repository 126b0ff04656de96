"""Carrying a run out: Cal.com is read, list by list and then booking by booking, and what was read is taken up.

Invariant: a watermark moves when all that was read below it is told, never before.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from calcom_sync.client import Account, Allowance, Asked, CalcomClient, Position, Sort
from calcom_sync.domain.course import Course, Stage, stages_from
from calcom_sync.domain.errors import NotConfiguredError
from calcom_sync.domain.integration import Pagination, account_of
from calcom_sync.domain.rounds import Whole, is_known
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Run, RunKind
from calcom_sync.domain.snapshots import ANY_TIME
from calcom_sync.domain.status import DELETED, GRACE
from calcom_sync.domain.walking import Key, Place, Trail, Walk, begin, by_creation, by_start, by_update, step, watermark
from calcom_sync.service.reading import Read
from calcom_sync.service.refetching import Refetching
from calcom_sync.service.runs import Held
from calcom_sync.service.taking import Taking
from calcom_sync.service.tools import Source, Tools
from calcom_sync.store import rereading, rounds, runs
from calcom_sync.store.integrations import IntegrationStore
from calcom_sync.store.rereading import Asker, Some
from slotwire_contracts import CalcomBooking

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 5  # bookings that are read by themselves between two steps that are stored; any run may ask for more


class Syncing:
    """Carries runs out."""

    def __init__(self, tools: Tools, store: IntegrationStore, client: CalcomClient) -> None:
        self._tools = tools
        self._store = store
        self._client = client

    async def carry_out(self, held: Held) -> None:
        """Bring what was asked for up to what Cal.com says.

        Raises:
            NotConfiguredError: the organization has no integration, or its key cannot be read.
            CalcomError: Cal.com cannot be read.
            LostError: another one holds the run now.
        """
        run = held.run
        async with self._tools.database.connection() as conn:
            integration = await self._store.fetch(conn, run.org_id)
            fates = await runs.fates(conn, run.id)
        if integration is None:
            raise NotConfiguredError("the organization has no integration with Cal.com")
        calcom = self._client.of(Account.of(integration), self._allowance(run))
        owner = await calcom.owner()
        account = account_of(integration.terms, owner.id)
        source = Source(calcom, integration, account, owner.email.lower() if owner.email else None)
        taking = Taking(self._tools, held, source, fates)
        if run.kind is RunKind.WEBHOOK:
            await Refetching(self._tools, taking).carry_out()
        else:
            await _Sync(self._tools, taking).carry_out()

    def _allowance(self, run: Run) -> Allowance:
        """Tell what a run may still ask, whoever held it before."""
        bounds, now = self._tools.bounds, self._tools.clock()
        left = (run.started_at or now) + bounds.time - now
        return Allowance(bounds.requests - run.progress.requests, left.total_seconds())


@dataclass(frozen=True, slots=True)
class _Listing:
    """A list, and where the walk over it begins."""

    asked: Asked
    begin: datetime
    key: Key

    def after(self, instant: datetime) -> Asked:
        """Ask for what is there from an instant on."""
        match self.asked.sort:
            case Sort.START:
                return replace(self.asked, after_start=instant)
            case Sort.CREATED:
                return replace(self.asked, after_created=instant)
            case Sort.UPDATED:
                return replace(self.asked, after_updated=instant)
            case unknown:
                assert_never(unknown)


class _Sync:
    """One run while it is carried out."""

    def __init__(self, tools: Tools, taking: Taking) -> None:
        self._tools = tools
        self._taking = taking
        self._run = taking.run
        self._wants_all = taking.run.kind is RunKind.MANUAL and taking.run.window == ANY_TIME
        self._reads_all = False

    async def carry_out(self) -> None:
        """Go through the stages, from where the run stands."""
        course = Course.of(self._run.kind, self._run.progress.position)
        if self._run.progress.position is None and self._wants_all and await self._is_all_known():
            course = Course(stage=Stage.CHANGES)
        await self._taking.reopen(course.open)
        stages = stages_from(self._run.kind, course.stage)
        self._reads_all = self._wants_all and stages[-1] is Stage.MISSING
        for place, stage in enumerate(stages):
            if stage is not course.stage:
                course = Course(stage=stage, highest=course.highest)
            if stage is Stage.CHANGES and course.highest is None:
                course = replace(course, highest=await self._known_until())
            course = await (self._walk(course) if stage.is_list else self._read_again(course))
            if not any(other.is_list for other in stages[place + 1 :]):
                await self._conclude(course)
        if self._reads_all and self._taking.is_whole:
            await self._note_whole()

    async def _is_all_known(self) -> bool:
        """Tell whether reading what changed tells all, as all was read before, booking has it, and no other is due."""
        source, now = self._taking.source, self._tools.clock()
        async with self._tools.database.connection() as conn:
            whole = await rounds.whole(conn, self._run.org_id)
            is_owing = await rereading.owes(conn, self._run.org_id, source.account, now)
        return not is_owing and is_known(whole, source.integration.updated_at, now)

    async def _walk(self, course: Course) -> Course:
        """Walk a list; answers where the run stands then."""
        listing = await self._listing(course.stage)
        stands = course
        async for rows, stands in self._pages(listing, course):
            await self._taking.take(Read(rows), stands)
        return stands

    async def _conclude(self, stands: Course) -> None:
        """Tell what has waited for its successor: no list follows that may have it."""
        await self._read_successors(stands)
        known_until = stands.highest or (self._run.created_at if self._reads_all else None)
        await self._taking.take(Read(), stands, is_final=True, known_until=known_until)

    async def _read_successors(self, stands: Course) -> None:
        """Read what was made since the first move of those that lead nowhere yet and would be told as called off.

        The row that was moved does not have to name the one that it was moved to; that one names it, but may lie in no
        time that was asked for and, as it need not say when it changed, in no list of changes. It was made with the
        move, and every row says when it was made.

        Args:
            stands: where the run goes on if it is left meanwhile.
        """
        since = await self._taking.moved_since(stands)
        if since is None:
            return
        if self._reads_all:  # what was made before was in the list
            since = max(since, self._run.created_at)
        listing = _Listing(Asked(sort=Sort.CREATED), begin(since).after, by_creation)
        async for rows, _ in self._pages(listing, Course(stage=stands.stage)):
            await self._taking.take(Read(rows), stands)

    async def _note_whole(self) -> None:
        read = Whole(self._run.created_at, self._taking.source.integration.updated_at)
        async with self._tools.database.connection() as conn:
            await rounds.note_whole(conn, self._run.org_id, read)

    async def _listing(self, stage: Stage) -> _Listing:
        if stage is Stage.RANGE:
            window = self._run.window.widened()
            return _Listing(Asked(before_end=window.end), window.start or _BEGINNING, by_start)
        return _Listing(Asked(sort=Sort.UPDATED), begin(await self._known_until()).after, by_update)

    async def _known_until(self) -> datetime:
        """Tell up to which update all is known; who never found out begins when the integration did.

        What may have been written as known later than now is not: somebody told an update that was still to come.
        """
        async with self._tools.database.connection() as conn:
            known = await rounds.watermark(conn, self._run.org_id)
        return min(known or self._taking.source.integration.created_at, self._run.created_at)

    async def _pages(self, listing: _Listing, course: Course) -> AsyncIterator[tuple[Sequence[Row], Course]]:
        """Read a list from where the run stands; tells rows, and where it goes on if it is left behind them.

        Behind the last page that is before it: what is read twice is told once.
        """
        calcom, begun, trail = self._taking.source.calcom, course.after or listing.begin, Trail()
        if self._taking.source.integration.terms.pagination is Pagination.CURSOR:
            async for page in calcom.pages(listing.after(begun), Position(cursor=course.cursor)):
                cursor = page.following.cursor if page.following else course.cursor
                course = self._heard(replace(course, cursor=cursor), page.rows)
                yield page.rows, course
                if trail.is_at_end(page.rows):
                    return
            return
        walk = Walk(Place(begun))
        while walk.place is not None:
            place = walk.place
            page = await calcom.page(listing.after(place.after), Position(skip=place.skip))
            is_last = trail.is_at_end(page.rows) or page.following is None
            rows, walk = step(walk, page.rows, is_last=is_last, key=listing.key)
            course = self._heard(replace(course, after=(walk.checkpoint or place).after), rows)
            yield rows, course

    def _heard(self, course: Course, rows: Sequence[Row]) -> Course:
        """Note the latest update that was read, of what changed or of all."""
        if course.stage is Stage.CHANGES or self._wants_all:
            return replace(course, highest=watermark(course.highest, rows, self._run.created_at))
        return course

    async def _read_again(self, course: Course) -> Course:
        """Read bookings by themselves, some at a time; answers where the run stands then, which is where it stood."""
        after = ""
        while known := await self._unread(course.stage, Some(after, _AT_ONCE)):
            await self._taking.take(await self._taking.reading.read(known), course)
            after = known[-1].chain_id
        return course

    async def _unread(self, stage: Stage, some: Some) -> list[CalcomBooking]:
        run, source, now = self._run, self._taking.source, self._tools.clock()
        asker = Asker(run.org_id, run.id, source.account, None if run.kind is RunKind.RECONCILE else now)
        async with self._tools.database.connection() as conn:
            match stage:
                case Stage.MISSING:
                    return await rereading.missing(conn, asker, some, run.window, DELETED)
                case Stage.REFUSED:
                    return await rereading.refused(conn, asker, some, source.integration.updated_at)
                case Stage.ENDED:
                    return await rereading.ended(conn, asker, some, now - GRACE)
                case Stage.CHANGES | Stage.RANGE:
                    raise AssertionError("these are lists")
                case unknown:
                    assert_never(unknown)
