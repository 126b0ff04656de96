"""Deciding what is to be told: chains are compared with what was told of them last.

Invariant: no network call is made inside a transaction, and nothing is written. What one account of Cal.com's does not
have is not gone if it was read of another one. Comparing holds nobody else up, however large what is compared.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from calcom_sync.domain.chains import REPLICA_LAG, Chain
from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Run, RunKind
from calcom_sync.domain.snapshots import ANY_TIME, Observed, Skipped, View, observe
from calcom_sync.domain.status import is_due
from calcom_sync.service.reading import Read, Reading
from calcom_sync.service.tools import Source, Tools
from calcom_sync.store import chains, rereading
from calcom_sync.store.chains import Known
from slotwire_contracts import CalcomBooking

_TELLS_AGAIN = frozenset({RunKind.MANUAL, RunKind.RECONCILE})
"""The kinds of runs that tell again what booking has not taken over, though it is as it was."""

_LEFT = Skipped(Outcome.SUPERSEDED)


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
        return replace(self, found=_LEFT, is_unsure=False)


class Deciding:
    """What becomes of the chains that one run reads.

    Args:
        tools: what it works with.
        run: the run.
        source: where it reads.
        reading: reads by itself what lists may be wrong about.
    """

    def __init__(self, tools: Tools, run: Run, source: Source, reading: Reading) -> None:
        self._tools = tools
        self._run = run
        self._source = source
        self._reading = reading

    async def decided(self, whole: Sequence[Chain]) -> list[Decided]:
        """Compare chains with what was told last."""
        ids, org_id, run = [chain.id for chain in whole], self._run.org_id, self._run
        async with self._tools.database.connection() as conn:
            before = await chains.fetch(conn, org_id, ids)
            is_told = run.kind in _TELLS_AGAIN
            owed = await rereading.owed(conn, org_id, run.id, ids) if is_told else frozenset[str]()
        return await asyncio.to_thread(self._compared, whole, before, owed)

    def _compared(self, whole: Iterable[Chain], before: Mapping[str, Known], owed: Collection[str]) -> list[Decided]:
        return [self._one(chain, before.get(chain.id), is_owed=chain.id in owed) for chain in whole]

    def _one(self, chain: Chain, known: Known | None, *, is_owed: bool) -> Decided:
        last = None if known is None else known.snapshot
        found = observe(chain, last, self._view)
        if chain.is_gone and self._reading.is_unreadable(chain.uid):
            return Decided(chain, Skipped(Outcome.UNREADABLE))
        if self._is_others(chain, known):
            return Decided(chain, Skipped(Outcome.OTHER_ACCOUNT))
        if last is not None and is_owed and found == Skipped(Outcome.UNCHANGED):
            return Decided(chain, Observed(last, ()), again=True)
        is_unsure = isinstance(found, Observed) and (found.is_doubtful or self._is_due(last))
        return Decided(chain, found, is_unsure=is_unsure)

    async def made_sure(self, listed: Sequence[Decided]) -> tuple[list[Decided], frozenset[str]]:
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
            row = await self._reading.get(uid)
            if row is None:
                reason = Outcome.UNREADABLE if self._reading.is_unreadable(uid) else Outcome.STALE
                sure.append(replace(one, found=Skipped(reason)))
            else:
                rows += (*(other for other in one.chain.rows if other.uid != uid), row)
                listed_open |= {one.chain.id} if one.chain.is_open else set()
        arranged, unsure = await self._reading.arranged(Read(rows))
        again = await self.decided(arranged)
        known = [one for one in again if one.chain.id in listed_open]
        return [*sure, *known, *self.but_moving([one for one in again if one not in known])], unsure

    def but_moving(self, decided: Iterable[Decided], since: datetime | None = None) -> list[Decided]:
        """Leave out what was moved when the list of changes may have been read already, or so late.

        Where it was moved to, that list tells the next time. What was read by itself may be ahead of it, however early,
        and if it does not say when it was moved, a list that has it tells whether that was long ago.

        Args:
            decided: what became of chains.
            since: of when the list of changes is; None: it is what they were read from, unless by themselves.
        """
        return [one.untold() if one.is_moving and self._is_later(one.chain.row, since) else one for one in decided]

    def _is_later(self, row: Row | None, since: datetime | None) -> bool:
        if row is None:
            return False
        if self._reading.was_got(row.uid):
            return row.updated_at is None or row.updated_at > self._run.created_at - REPLICA_LAG
        return since is not None and row.updated_at is not None and row.updated_at > since

    def _is_others(self, chain: Chain, known: Known | None) -> bool:
        """Tell whether a chain that is not found may well be there, for the account of which it was read."""
        return known is not None and chain.is_gone and not chain.rows and known.account != self._source.account

    def _is_due(self, last: CalcomBooking | None) -> bool:
        return last is not None and is_due(last, self._tools.clock())

    @property
    def _view(self) -> View:
        window = self._run.window if self._run.kind is RunKind.MANUAL else ANY_TIME
        return View(self._source.integration.terms, self._tools.clock(), self._source.owner, window)
