"""Carrying a run out: Cal.com's list is walked, put into chains, compared with what was told last, and told.

Invariant: what is told of a page, how it is counted, and where the walk goes on commit together; so a run that is taken
again tells nothing twice. No network call is made inside a transaction.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from calcom_sync.client import Account, Asked, Calcom, CalcomClient, Position
from calcom_sync.domain.chains import Chain, arrange, is_surely_gone, linked
from calcom_sync.domain.counting import Outcome, outcomes
from calcom_sync.domain.errors import NotConfiguredError
from calcom_sync.domain.integration import Integration, Pagination
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Progress
from calcom_sync.domain.snapshots import Observed, Skipped, View, observe
from calcom_sync.domain.walking import Place, Walk, by_start, by_update, step
from calcom_sync.service.runs import Held
from calcom_sync.service.telling import Telling
from calcom_sync.store import chains
from calcom_sync.store.integrations import IntegrationStore
from chassis.clock import Clock
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import FoundBy

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Decided = tuple[Chain, Observed | Skipped]


@dataclass(frozen=True)
class Tools:
    """What syncs work with."""

    units: UnitOfWork
    database: Database
    telling: Telling
    clock: Clock


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
        integration = await self._integration(held.run.org_id)
        calcom = self._client.of(Account.of(integration))
        owner = await calcom.owner_email()
        await _Sync(self._tools, held, calcom, integration, owner.lower() if owner else None).walk()

    async def _integration(self, org_id: str) -> Integration:
        async with self._tools.database.connection() as conn:
            found = await self._store.fetch(conn, org_id)
        if found is None:
            raise NotConfiguredError("the organization has no integration with Cal.com")
        return found


@dataclass
class _Sync:
    """One run while it is carried out.

    Attributes:
        seen: uids that are counted; of a run that was taken again, those alone that are yet to come by in the list.
        walked: uids that came by in the list.
        open: rows that wait for the rest of their chains.
    """

    tools: Tools
    held: Held
    calcom: Calcom
    integration: Integration
    owner: str | None
    seen: set[str] = field(default_factory=set)
    walked: set[str] = field(default_factory=set)
    open: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.progress = self.held.run.progress
        self.requests = self.progress.requests

    async def walk(self) -> None:
        """Walk the list from where the run stands."""
        begun = self.progress.position or {"after": self._start.isoformat(), "cursor": None, "open": [], "ahead": []}
        self.seen = set(begun["ahead"])
        for uid in begun["open"]:
            row = await self.calcom.get(uid)
            if row is not None:
                self.open[uid] = row
        async for rows, after, cursor in self._pages(begun):
            await self._take(rows, {"after": after, "cursor": cursor})
        rows, self.open = tuple(self.open.values()), {}
        await self._take(rows, {"after": None, "cursor": None}, is_final=True)

    @property
    def _start(self) -> datetime:
        return self.held.run.window.widened().start or _BEGINNING

    async def _pages(self, begun: dict[str, Any]) -> AsyncIterator[tuple[Sequence[Row], str | None, str | None]]:
        """Read the list; tells rows, and where it goes on behind them."""
        asked = Asked(after_start=self._start, before_end=self.held.run.window.widened().end)
        if self.integration.terms.pagination is Pagination.CURSOR:
            if begun["after"] is None:
                return
            async for page in self.calcom.pages(asked, Position(cursor=begun["cursor"])):
                following = page.following
                cursor = None if following is None else following.cursor
                yield page.rows, None if following is None else begun["after"], cursor
            return
        walk = Walk(None if begun["after"] is None else Place(datetime.fromisoformat(begun["after"])))
        while walk.place is not None:
            place = walk.place
            page = await self.calcom.page(replace(asked, after_start=place.after), Position(skip=place.skip))
            rows, walk = step(walk, page.rows, is_last=page.following is None, key=by_start)
            yield rows, None if walk.place is None else walk.place.after.isoformat(), None

    async def _take(self, rows: Sequence[Row], position: dict[str, Any], *, is_final: bool = False) -> None:
        """Tell what is new among rows, and write how far the run is."""
        self.walked |= {row.uid for row in rows}
        arranged, unsure = await self._arranged(rows)
        whole = []
        for chain in arranged:
            if chain.is_open and not is_final:
                self.open |= {row.uid: row for row in chain.rows}
            else:
                whole.append(chain)
        decided = await self._decided(whole)
        await self._write(decided, unsure, {**position, "open": list(self.open)})

    async def _arranged(self, rows: Sequence[Row]) -> tuple[tuple[Chain, ...], list[str]]:
        """Put rows into chains, reading those that are lacking; answers also those that are not to be had yet."""
        known_rows, gone, unsure = list(rows), frozenset[str](), list[str]()
        while True:
            async with self.tools.database.connection() as conn:
                known = await chains.uids(conn, self.held.run.org_id, linked(known_rows) | gone)
            arranged = arrange(known_rows, known, gone)
            if not arranged.wanted:
                return arranged.chains, unsure
            for uid in arranged.wanted:
                row = await self.calcom.get(uid)
                if row is not None:
                    known_rows.append(row)
                elif self._is_gone(uid, known_rows):
                    gone |= {uid}
                else:
                    late = {one.uid for one in known_rows if uid in linked([one])}
                    unsure += late
                    known_rows = [one for one in known_rows if one.uid not in late]

    def _is_gone(self, uid: str, rows: Iterable[Row]) -> bool:
        heard = [by_update(row) for row in rows if uid in linked([row])]
        return not heard or is_surely_gone(max(heard), self.tools.clock())

    async def _decided(self, whole: Sequence[Chain]) -> list[Decided]:
        """Compare chains with what was told last; what a replica may be wrong about is read by itself first."""
        async with self.tools.database.connection() as conn:
            before = await chains.fetch(conn, self.held.run.org_id, [chain.id for chain in whole])
        decided: list[Decided] = []
        for chain in whole:
            last = before[chain.id].snapshot if chain.id in before else None
            found = observe(chain, last, self._view)
            if isinstance(found, Observed) and found.is_doubtful:
                row = await self.calcom.get(chain.uid)
                if row is None:
                    found = Skipped(Outcome.STALE)
                else:
                    found = observe(replace(chain, rows=(*chain.rows[:-1], row)), last, self._view)
            decided.append((chain, found))
        return decided

    @property
    def _view(self) -> View:
        return View(self.integration.terms, self.tools.clock(), self.owner, self.held.run.window)

    async def _write(self, decided: Sequence[Decided], unsure: Sequence[str], position: dict[str, Any]) -> None:
        run = self.held.run
        found = [seen.snapshot for _, seen in decided if isinstance(seen, Observed)]
        async with self.tools.units.begin() as unit:
            told = await self.tools.telling.tell(unit, run.org_id, found, by=FoundBy.SYNC, run_id=run.id)
            counted = self._counted(decided, told.keys()) | dict.fromkeys(unsure, Outcome.STALE)
            new = {uid: outcome for uid, outcome in counted.items() if uid not in self.seen}
            tally = self.progress.tally.adding(new.values())
            self.seen |= new.keys() | {chain.uid for chain, _ in decided if chain.id in told}
            ahead = sorted(self.seen - self.walked)
            progress = Progress({**position, "ahead": ahead}, tally, self.requests + self.calcom.requests)
            await self.held.save(unit.conn, progress, told)
        self.progress = progress

    @staticmethod
    def _counted(decided: Sequence[Decided], told: Iterable[str]) -> dict[str, Outcome]:
        """Tell what became of each uid that was read, but for those whose fate booking will tell."""
        waiting, counted = set(told), dict[str, Outcome]()
        for chain, seen in decided:
            outcome = seen.reason if isinstance(seen, Skipped) else Outcome.UNCHANGED
            each = outcomes(chain, outcome)
            if chain.id in waiting:
                each.pop(chain.uid, None)
            counted |= each
        return counted
