"""How a long list is read page by page although its rows move and equal ones have no order (scheduling.md section 2).

The next request begins at the last instant of the page before, that instant included, and skips rows only while all of
a page have the same one. How many there are, or whether more follow, is never believed: a short page is the end.

Invariants: rows of the last instant are held back until the next page, so what Cal.com wrote at one moment is taken up
together; every step leads further, and pages that go round in circles have an end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calcom_sync.domain.row import Row

OVERLAP = timedelta(minutes=5)
"""How far before the watermark a walk begins, as a replica may have shown rows late."""

Key = Callable[[Row], datetime]
"""By what a list is sorted, ascending."""


def by_start(row: Row) -> datetime:
    """Tell the instant by which `sortStart` sorts."""
    return row.start


def by_update(row: Row) -> datetime:
    """Tell the instant by which `sortUpdatedAt` sorts; filters by it never find a row without one."""
    return row.updated_at or row.created_at


def by_creation(row: Row) -> datetime:
    """Tell the instant by which `sortCreated` sorts."""
    return row.created_at


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request begins: at an instant, it included, and so many rows later."""

    after: datetime
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk between two requests.

    Attributes:
        place: where the next request begins; None at the end.
        held: the rows of the last instant.
    """

    place: Place | None
    held: tuple[Row, ...] = ()

    @property
    def checkpoint(self) -> Place | None:
        """Where whoever takes the walk over goes on: at the last instant again, as what is held is lost with us."""
        return None if self.place is None else Place(self.place.after)


class Trail:
    """Which rows a walk has come by, to tell when it leads nowhere any more.

    Where Cal.com does not look at the instant from which a page is wanted, all the pages so far come once more before a
    new one does. So the walk is over when more of them in a row bring nothing new than have brought something.
    """

    def __init__(self) -> None:
        self._uids: set[str] = set()
        self._fresh = 0
        self._in_vain = 0

    def is_at_end(self, page: Iterable[Row]) -> bool:
        """Take up a page, and tell whether it need not be gone on behind it."""
        found = {row.uid for row in page} - self._uids
        self._uids |= found
        self._fresh += bool(found)
        self._in_vain = 0 if found else self._in_vain + 1
        return self._in_vain > self._fresh


def begin(watermark: datetime) -> Place:
    """Tell where a walk by updates begins, from the watermark of the last time."""
    return Place(watermark - OVERLAP)


def step(walk: Walk, page: Sequence[Row], *, is_last: bool, key: Key) -> tuple[tuple[Row, ...], Walk]:
    """Take up a page: tells the rows that can be dealt with, each uid once, and how the walk goes on.

    Args:
        walk: the walk so far, not at its end.
        page: what was answered.
        is_last: whether it was shorter than asked for.
        key: by what the rows are sorted.
    """
    rows = latest([*walk.held, *page])
    if walk.place is None or is_last or not page:
        return rows, Walk(None)
    last = max(key(row) for row in page)
    if last <= walk.place.after:
        further = Place(walk.place.after, walk.place.skip + len(page))
    else:
        further = Place(last, len(page) if all(key(row) == last for row in page) else 0)
    return tuple(row for row in rows if key(row) < last), Walk(further, tuple(row for row in rows if key(row) >= last))


def latest(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Keep each uid once: as it was changed last, or else read last."""
    kept: dict[str, Row] = {}
    for row in rows:
        before = kept.get(row.uid)
        if before is None or by_update(row) >= by_update(before):
            kept[row.uid] = row
    return tuple(kept.values())


def watermark(before: datetime | None, rows: Iterable[Row], most: datetime) -> datetime | None:
    """Tell up to which update rows are known, once these were dealt with; it never goes back.

    Args:
        before: up to which they were known.
        rows: those that were dealt with.
        most: when their list was begun: who tells a later update is not believed, or others would be passed over.
    """
    found = [min(row.updated_at, most) for row in rows if row.updated_at is not None]
    return max([*found, *([] if before is None else [before])], default=None)
