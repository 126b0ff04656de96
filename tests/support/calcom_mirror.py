"""A sync without network and database: the rules alone, fed with the stand-in's pages, step by step as a service.

Invariant: it knows nothing of the stand-in but the JSON of its answers, as the client reads it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from calcom_sync.client.lists import read_rows
from calcom_sync.domain.chains import Chain, arrange, linked
from calcom_sync.domain.counting import Outcome, Tally, outcomes
from calcom_sync.domain.row import Row
from calcom_sync.domain.snapshots import Observed, Skipped, View, observe
from calcom_sync.domain.status import DELETED, is_due
from calcom_sync.domain.walking import Key, Place, Walk, begin, by_start, by_update, step, watermark
from calcom_sync.domain.webhooks import Refetch, meaning
from slotwire_contracts import CalcomBooking
from support.calcom import Defects, Life
from support.calcom.asking import asked
from support.calcom.pages import Lists
from support.calcom.telling import booking_json, written
from support.calcom_rows import TERMS

TAKE = 5
BACK, AHEAD = timedelta(days=30), timedelta(days=90)


@dataclass
class Mirror:
    """What is known of a life, and all that was ever told of it.

    Attributes:
        chains: the last snapshot of each chain.
        told: every difference that subscribers were shown since the list was emptied.
        requests: how many were made.
    """

    life: Life
    defects: Defects
    seed: int = 1
    chains: dict[str, CalcomBooking] = field(default_factory=dict)
    told: list[Observed] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        self._lists = Lists(self.defects, Random(self.seed))
        self._watermark = self.life.now
        self._open: dict[str, Row] = {}

    def sync_changes(self) -> Tally:
        """Read what changed since the last time."""
        run = self._walked(Walk(begin(self._watermark)), "afterUpdatedAt", "sortUpdatedAt", by_update)
        return Tally().adding(run.values())

    def reconcile(self) -> Tally:
        """Compare all that is near, after what changed was read, and look for what is missing."""
        self.sync_changes()
        since = self.life.now - BACK
        run = self._walked(Walk(Place(since)), "afterStart", "sortStart", by_start)
        missing = [
            snapshot.uid
            for snapshot in self.chains.values()
            if snapshot.start_time >= since and snapshot.uid not in run and snapshot.status_reason != DELETED
        ]
        run |= self.fetch(missing)
        return Tally().adding(run.values())

    def fetch(self, uids: Iterable[str]) -> dict[str, Outcome]:
        """Read bookings by their uids, as after a webhook."""
        read = {uid: self._get(uid) for uid in uids}
        rows = [row for row in read.values() if row is not None]
        gone = frozenset(uid for uid, row in read.items() if row is None)
        return self._taken(rows, gone, is_final=True, is_sure=True)

    def hear(self, body: bytes) -> None:
        """Take a webhook."""
        said = meaning(body)
        if isinstance(said, Refetch):
            self.fetch(said.uids)

    def grow_old(self) -> None:
        """Read what is over by now."""
        self.fetch([one.uid for one in self.chains.values() if is_due(one, self.life.now)])

    def _walked(self, walk: Walk, bound: str, sort: str, key: Key) -> dict[str, Outcome]:
        run: dict[str, Outcome] = {}
        while walk.place is not None:
            query = {bound: written(walk.place.after), sort: "asc", "take": TAKE, "skip": walk.place.skip}
            page = self._page({name: str(value) for name, value in query.items()})
            settled, walk = step(walk, page, is_last=len(page) < TAKE, key=key)
            run |= self._taken(settled, frozenset(), is_final=False)
            self._watermark = watermark(self._watermark, settled, self.life.now) or self._watermark
        rows, self._open = list(self._open.values()), {}
        return run | self._taken(rows, frozenset(), is_final=True)

    def _taken(
        self, rows: Iterable[Row], gone: frozenset[str], *, is_final: bool, is_sure: bool = False
    ) -> dict[str, Outcome]:
        told: dict[str, Outcome] = {}
        for chain in self._arranged(list(rows), gone):
            if chain.is_open and not is_final:
                self._open |= {row.uid: row for row in chain.rows}
                continue
            before = self.chains.get(chain.id)
            seen = observe(chain, before, self._view)
            if isinstance(seen, Observed) and seen.is_doubtful and not is_sure:
                told |= self.fetch([chain.uid])
                continue
            told |= outcomes(chain, self._outcome(seen, before))
            self._keep(chain.id, seen)
        return told

    def _arranged(self, rows: list[Row], gone: frozenset[str]) -> tuple[Chain, ...]:
        while True:
            names = linked(rows) | gone
            arranged = arrange(rows, self._known(names), gone)
            if not arranged.wanted:
                return arranged.chains
            for uid in arranged.wanted:
                row = self._get(uid)
                rows, gone = (rows, gone | {uid}) if row is None else ([*rows, row], gone)

    def _known(self, names: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
        return {chain: each.uids for chain, each in self.chains.items() if names & set(each.uids)}

    def _keep(self, chain_id: str, seen: Observed | Skipped) -> None:
        if isinstance(seen, Observed):
            self.chains[chain_id] = seen.snapshot
            self.told.append(seen)

    @staticmethod
    def _outcome(seen: Observed | Skipped, before: CalcomBooking | None) -> Outcome:
        if isinstance(seen, Skipped):
            return seen.reason
        return Outcome.CREATED if before is None else Outcome.UPDATED

    @property
    def _view(self) -> View:
        return View(TERMS, self.life.now)

    def _page(self, query: Mapping[str, str]) -> tuple[Row, ...]:
        self.requests += 1
        rows = self.life.rows(self.life.now - self.defects.list_lag)
        chosen, _ = self._lists.page(rows, asked(query, by_cursor=False), self.life.now)
        return read_rows([booking_json(row, self.defects) for row in chosen])

    def _get(self, uid: str) -> Row | None:
        self.requests += 1
        row = self.life.row(uid)
        return None if row is None else read_rows([booking_json(row, self.defects)])[0]
