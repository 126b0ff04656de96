"""Which of Cal.com's bookings are one appointment: a reschedule makes a new one and calls the old one off.

The id of a chain is the uid of its first booking. Links are followed both ways, as either end may lack its own
(scheduling.md section 1: rows of a series never name their successor, and others may not). Of bookings with seats only
an attendee moves, so each is a chain of its own.

Invariants: a uid that has a chain never changes it; the same rows give the same chains in whatever order they come;
what is not known yet is asked for, never guessed.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from calcom_sync.domain.row import Row

REPLICA_LAG = timedelta(minutes=5)
"""How far what Cal.com answers may be behind what it has answered before."""

UIDS = 500
"""How many uids a chain may have: nobody moves an appointment more often."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What was read of an appointment.

    Attributes:
        uids: all that are known, the oldest first and the current one last.
        rows: those that were read now, in the order of `uids`.
        is_gone: the current one is no more at Cal.com.
    """

    id: str
    uids: tuple[str, ...]
    rows: tuple[Row, ...]
    is_gone: bool = False

    @property
    def uid(self) -> str:
        """The current one."""
        return self.uids[-1]

    @property
    def row(self) -> Row | None:
        """The current one's row, or of one that is gone the last that was read; None if it was not read."""
        last = self.rows[-1] if self.rows else None
        return last if last is not None and (self.is_gone or last.uid == self.uid) else None

    @property
    def is_open(self) -> bool:
        """Whether it was moved, and what to is not known: it may be among what is still to be read.

        Rows of a series are never told what became of them, so until all is read such a chain is not said to be over.
        """
        row = self.row
        return row is not None and not self.is_gone and row.status == "cancelled" and row.rescheduled_by is not None


@dataclass(frozen=True, slots=True)
class Arranged:
    """Chains, and the uids without whose rows some are not whole."""

    chains: tuple[Chain, ...]
    wanted: frozenset[str]


def arrange(rows: Iterable[Row], known: Mapping[str, tuple[str, ...]], gone: frozenset[str] = frozenset()) -> Arranged:
    """Put rows into their chains.

    A chain that lacks a row that is wanted is left out until the row was read or turned out to be gone.

    Args:
        rows: what was read, each uid once.
        known: the uids of the chains that are already known, as far as a row or its links belong to them; by chain.
        gone: uids that Cal.com does not have.
    """
    graph = _Graph({row.uid: row for row in rows}, known, gone)
    return graph.arranged()


def linked(rows: Iterable[Row]) -> frozenset[str]:
    """Tell which uids rows name, their own among them: those of which must be known to which chain they belong."""
    names = ((row.uid, row.rescheduled_from, row.rescheduled_to) for row in rows)
    return frozenset(name for each in names for name in each if name)


def is_surely_gone(last_heard: datetime, now: datetime) -> bool:
    """Tell whether a uid that Cal.com does not find is gone; what was heard of lately may not be there yet to be read.

    Args:
        last_heard: when Cal.com last wrote the row, or the one that names it.
        now: the current instant.
    """
    return now - last_heard >= REPLICA_LAG


class _Graph:
    """Rows and what each was rescheduled from."""

    def __init__(self, rows: Mapping[str, Row], known: Mapping[str, tuple[str, ...]], gone: frozenset[str]) -> None:
        self._rows = rows
        self._known = known
        self._gone = gone
        self._home = {uid: chain for chain, uids in known.items() for uid in uids}
        self._before = dict(self._links())
        for uids in known.values():
            self._before |= zip(uids[1:], uids, strict=False)
        self._roots = dict(self._home)
        self._depths: dict[str, int] = {}
        self._after: dict[str, set[str]] = {}
        for later, earlier in self._before.items():
            self._after.setdefault(earlier, set()).add(later)

    def arranged(self) -> Arranged:
        members: dict[str, set[str]] = {}
        read = self._rows.keys() | (self._gone & (self._home.keys() | self._before.keys() | self._after.keys()))
        for uid in read | self._before.keys() | self._after.keys():
            members.setdefault(self._root(uid), set()).add(uid)
        chains, wanted = [], set()
        for root, uids in members.items():
            if not uids & read:
                continue
            order = self._ordered(root, uids)
            lacking = self._lacking(order)
            wanted |= lacking
            if not lacking:
                chains.append(self._chain(root, order))
        return Arranged(tuple(chains), frozenset(wanted))

    def _links(self) -> Iterator[tuple[str, str]]:
        """Tell the later and the earlier uid of every link; a row's own word goes before that of others."""
        for row in self._rows.values():
            if row.rescheduled_to and self._is_move(row.uid, row.rescheduled_to):
                yield row.rescheduled_to, row.uid
        for row in self._rows.values():
            if row.rescheduled_from and self._is_move(row.rescheduled_from, row.uid):
                yield row.uid, row.rescheduled_from

    def _is_move(self, earlier: str, later: str) -> bool:
        seated = any(uid in self._rows and self._rows[uid].is_seated for uid in (earlier, later))
        return not seated and earlier != later and later not in self._home

    def _root(self, uid: str) -> str:
        path, circle, end = self._back(uid, self._roots)
        first = path[-1] if end is None else self._roots.get(end)
        root = min(circle) if first is None else first
        self._roots |= dict.fromkeys([*path, *circle], root)
        return root

    def _back(self, uid: str, known: Container[str]) -> tuple[list[str], list[str], str | None]:
        """Go back from a uid to the first one, or to one of which the answer is known, each step once.

        Returns:
            The uids on the way; those of the circle, which no life makes, in which it ends; and the one that is known.
        """
        way: dict[str, int] = {}
        one: str | None = uid
        while one is not None and one not in known and one not in way:
            way[one] = len(way)
            one = self._before.get(one)
        uids, turn = list(way), len(way) if one is None else way.get(one, len(way))
        return uids[:turn], uids[turn:], one

    def _ordered(self, root: str, uids: set[str]) -> list[str]:
        """Put a chain's uids into order; what was known of it keeps its own, and the current one comes last."""
        order = list(self._known.get(root, ()))
        new = sorted(uids - set(order), key=lambda uid: (self._depth(uid), self._age(uid), uid))
        leaves = [uid for uid in [*order, *new] if not self._after.get(uid)]
        current = max(leaves, key=self._claim) if leaves else None
        return [uid for uid in [*order, *new] if uid != current] + ([current] if current else [])

    def _depth(self, uid: str) -> int:
        path, circle, end = self._back(uid, self._depths)
        depth = len(circle) if circle or end is None else self._depths[end]
        self._depths |= dict.fromkeys(circle, depth)
        for one in reversed(path):
            depth += 1
            self._depths[one] = depth
        return self._depths[uid]

    def _age(self, uid: str) -> float:
        return self._rows[uid].created_at.timestamp() if uid in self._rows else 0.0

    def _claim(self, uid: str) -> tuple[bool, bool, float, str]:
        """Rank who is current where several uids have no successor: who lives, else the latest."""
        row = self._rows.get(uid)
        return row is not None and row.is_live, uid not in self._gone, self._age(uid), uid

    def _lacking(self, order: list[str]) -> set[str]:
        """Tell which uids must be read before the chain can be told: new ones, and those that compete to be current."""
        leaves = [uid for uid in order if not self._after.get(uid)]
        needed = {uid for uid in order if uid not in self._home} | (set(leaves) if len(leaves) > 1 else set())
        return needed - self._rows.keys() - self._gone

    def _chain(self, root: str, order: list[str]) -> Chain:
        rows = tuple(self._rows[uid] for uid in order if uid in self._rows)
        return Chain(root, tuple(order), rows, is_gone=order[-1] in self._gone)
