"""Which deliveries wait, and taking them: a loose index scan over (subscription, lane) of each day, then shares.

Invariant: a row is claimed by one worker at a time (`FOR UPDATE SKIP LOCKED`), and no subscription's backlog, however
long, is read to find another's. A day on which nothing waits costs one look into its index.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import itemgetter

from asyncpg import Record

from chassis.postgres import Connection
from webhook_dispatcher.store.days import DAYS, DELIVERIES, EVENTS, WAITING

# A day's tables are named themselves: what is asked for by the order of one index and bounded by another, as the bounds
# of a day would be, PostgreSQL may well answer from the wrong one. How many rows are claimed it cannot know either:
# they and their records are looked up one by one, where a join may read all there is.
_FIRST = """
(SELECT {place} FROM {deliveries} WHERE {waits}
ORDER BY subscription_id, retrying, due_at LIMIT 1)
"""
_LINES = """
WITH RECURSIVE line AS (
    (
        SELECT subscription_id, retrying, due_at FROM {deliveries}
        WHERE {waits}
        ORDER BY subscription_id, retrying, due_at LIMIT 1
    )
    UNION ALL
    SELECT next.subscription_id, next.retrying, next.due_at
    FROM line CROSS JOIN LATERAL (
        SELECT subscription_id, retrying, due_at FROM {deliveries}
        WHERE {waits}
            AND (subscription_id, retrying) > (line.subscription_id, line.retrying)
        ORDER BY subscription_id, retrying, due_at LIMIT 1
    ) AS next
)
SELECT subscription_id, retrying, due_at FROM line
"""
_CLAIM = """
WITH picked AS (
    SELECT id, event_id, due_at, place
    FROM unnest($2::text[], $3::boolean[], $4::int[]) WITH ORDINALITY AS wanted (subscription_id, retrying, room, place)
    CROSS JOIN LATERAL (
        SELECT id, event_id, due_at FROM {deliveries}
        WHERE subscription_id = wanted.subscription_id AND retrying = wanted.retrying
            AND {waits} AND due_at <= $5
        ORDER BY due_at LIMIT wanted.room
        FOR UPDATE SKIP LOCKED
    ) AS one
), sized AS (
    SELECT id, coalesce(sum(size) OVER before, 0) AS before
    FROM (
        SELECT
            id, due_at, place,
            (SELECT octet_length(record) FROM {events} AS events WHERE events.event_id = picked.event_id) AS size
        FROM picked
    ) AS one
    WINDOW before AS (ORDER BY place, due_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), claimed AS (
    UPDATE {deliveries} SET leased_by = $1 WHERE id = ANY (ARRAY(SELECT id FROM sized WHERE before < $6))
    RETURNING
        id, event_id, subscription_id, attempts, round, earlier_attempts AS earlier, due_at,
        awaits_turn IS NOT NULL AS is_ordered
), told AS MATERIALIZED ( -- else each record would be looked up twice
    SELECT
        id, subscription_id, attempts, round, earlier, due_at, is_ordered,
        (SELECT record FROM {events} AS events WHERE events.event_id = claimed.event_id) AS record
    FROM claimed
)
SELECT * FROM told WHERE record IS NOT NULL
"""


_SIZE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A subscription's deliveries that wait for one lane; the first of them, of `day`, is due at `due_at`."""

    subscription_id: str
    retrying: bool
    due_at: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Share:
    """How many deliveries of a line a worker wants, of one day."""

    subscription_id: str
    retrying: bool
    room: int
    day: date


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that a worker took, with its event's record."""

    id: str
    subscription_id: str
    attempts: int
    record: bytes
    round: int
    earlier: int
    is_ordered: bool


_CLAIMED = [one.name for one in fields(Claimed)]


async def waiting(conn: Connection) -> list[Line]:
    """Tell which lines wait, however long each is, with the time when their first is due."""
    lines: dict[tuple[str, bool], Line] = {}
    for day in await _busy_days(conn):
        for row in await conn.fetch(_of(_LINES, day)):
            line = Line(**row, day=day)
            known = lines.setdefault((line.subscription_id, line.retrying), line)
            if line.due_at < known.due_at:
                lines[line.subscription_id, line.retrying] = line
    return list(lines.values())


async def claim(
    conn: Connection, lease: str, shares: Sequence[Share], now: datetime, *, size: int = _SIZE
) -> list[Claimed]:
    """Lease what is due, for each line as much as its share, the longest due first.

    Args:
        conn: a connection.
        lease: the worker that is to hold it.
        shares: the lines, with how much of each; where the records are too large, the first of them come first.
        now: what is due.
        size: the bytes of their records beyond which no other is leased.
    """
    rows: list[Record] = []
    for day in {share.day for share in shares}:
        found = await _claim(conn, lease, [share for share in shares if share.day == day], now, size)
        size -= sum(len(row["record"]) for row in found)
        rows += found
    rows.sort(key=itemgetter("due_at", "id"))
    return [Claimed(**{name: row[name] for name in _CLAIMED}) for row in rows]


async def _claim(conn: Connection, lease: str, wanted: Sequence[Share], now: datetime, size: int) -> Sequence[Record]:
    """Claim of one day."""
    return await conn.fetch(
        _of(_CLAIM, wanted[0].day),
        lease,
        [share.subscription_id for share in wanted],
        [share.retrying for share in wanted],
        [share.room for share in wanted],
        now,
        size,
    )


async def _busy_days(conn: Connection) -> list[date]:
    """Tell on which days something waits."""
    days = tuple(await DAYS.days(conn))
    return [days[row[0]] for row in await conn.fetch(_first_of(days))] if days else []


@functools.lru_cache(maxsize=4)
def _first_of(days: Sequence[date]) -> str:
    firsts = (
        _FIRST.format(place=place, deliveries=DELIVERIES.of(day), waits=WAITING) for place, day in enumerate(days)
    )
    return " UNION ALL ".join(firsts)


@functools.lru_cache(maxsize=256)
def _of(statement: str, day: date) -> str:
    return statement.format(deliveries=DELIVERIES.of(day), events=EVENTS.of(day), waits=WAITING)
