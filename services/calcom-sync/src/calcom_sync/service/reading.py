"""Reading bookings by themselves, and putting what was read into chains.

Invariant: one that cannot be read is told from one that is not there, and stops no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from calcom_sync.domain.chains import Chain, arrange, is_surely_gone, linked
from calcom_sync.domain.errors import CalcomEndlessError, CalcomUnreadableError
from calcom_sync.domain.row import Row
from calcom_sync.domain.run import Run
from calcom_sync.domain.walking import by_update
from calcom_sync.service.tools import Source, Tools
from calcom_sync.store import chains
from slotwire_contracts import CalcomBooking

_log = structlog.get_logger(__name__)


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


class Reading:
    """What one run reads, but for lists.

    Args:
        tools: what it works with.
        run: the run.
        source: where it reads.
    """

    def __init__(self, tools: Tools, run: Run, source: Source) -> None:
        self._tools = tools
        self._run = run
        self._source = source
        self._got: set[str] = set()
        self._unreadable: set[str] = set()

    async def get(self, uid: str) -> Row | None:
        """Read one booking; None if Cal.com does not have it, or does not give it out: then it is unreadable."""
        self._got.add(uid)
        return await self.reread(uid)

    async def reread(self, uid: str) -> Row | None:
        """Read one booking as `get` does that a list has shown before, so that it is not ahead of what lists have."""
        try:
            return await self._source.calcom.get(uid)
        except CalcomUnreadableError as error:
            _log.warning("booking_unreadable", run=self._run.id, uid=uid, error=error.message)
            self._unreadable.add(uid)
            return None

    def is_unreadable(self, uid: str) -> bool:
        """Tell whether a booking could not be read, so that nothing is known of it now."""
        return uid in self._unreadable

    def was_got(self, uid: str) -> bool:
        """Tell whether a booking was read by itself, so that it may be ahead of what lists have of others."""
        return uid in self._got

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

    async def arranged(self, read: Read) -> tuple[tuple[Chain, ...], frozenset[str]]:
        """Put rows into chains, reading those that are lacking; answers also those that are not to be had yet.

        Raises:
            CalcomEndlessError: behind each that is lacking another one is.
        """
        rows, gone, unsure = list(read.rows), read.gone, read.unsure
        for _ in range(self._tools.bounds.links + 1):
            async with self._tools.database.connection() as conn:
                known = await chains.uids(conn, self._run.org_id, linked(rows) | gone)
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
