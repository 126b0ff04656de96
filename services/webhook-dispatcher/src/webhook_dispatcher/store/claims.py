"""Which deliveries wait, and taking them: a loose index scan over (subscription, lane) of each day, then shares.

Invariant: a row is claimed by one worker at a time (`FOR UPDATE SKIP LOCKED`), and no subscription's backlog, however
long, is read to find another's. A day on which nothing waits costs one look into its index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.postgres import Connection
from webhook_dispatcher.store.days import DAYS, least_delivery_id

_DAY = timedelta(days=1)

_WAITING = """
SELECT DISTINCT ON (subscription_id, retrying) subscription_id, retrying, due_at, day
FROM unnest($1::date[], $2::text[], $3::text[]) AS days (day, least, bound)
CROSS JOIN LATERAL (
    WITH RECURSIVE line AS (
        (
            SELECT subscription_id, retrying, due_at FROM deliveries
            WHERE state = 'pending' AND leased_by IS NULL AND id >= least AND id < bound
            ORDER BY subscription_id, retrying, due_at LIMIT 1
        )
        UNION ALL
        SELECT next.subscription_id, next.retrying, next.due_at
        FROM line CROSS JOIN LATERAL (
            SELECT subscription_id, retrying, due_at FROM deliveries
            WHERE state = 'pending' AND leased_by IS NULL AND id >= least AND id < bound
                AND (subscription_id, retrying) > (line.subscription_id, line.retrying)
            ORDER BY subscription_id, retrying, due_at LIMIT 1
        ) AS next
    )
    SELECT * FROM line
) AS line
ORDER BY subscription_id, retrying, due_at
"""
_CLAIM = """
WITH picked AS (
    SELECT one.id
    FROM unnest($2::text[], $3::boolean[], $4::int[], $5::text[], $6::text[])
        AS wanted (subscription_id, retrying, room, least, bound)
    CROSS JOIN LATERAL (
        SELECT id FROM deliveries
        WHERE subscription_id = wanted.subscription_id AND retrying = wanted.retrying
            AND state = 'pending' AND leased_by IS NULL AND due_at <= $7
            AND id >= wanted.least AND id < wanted.bound
        ORDER BY due_at LIMIT wanted.room
        FOR UPDATE SKIP LOCKED
    ) AS one
), claimed AS (
    UPDATE deliveries SET leased_by = $1 FROM picked WHERE deliveries.id = picked.id
    RETURNING deliveries.id, event_id, subscription_id, attempts, due_at
)
SELECT claimed.id, subscription_id, attempts, record
FROM claimed JOIN events USING (event_id)
ORDER BY due_at, claimed.id
"""


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


async def waiting(conn: Connection) -> list[Line]:
    """Tell which lines wait, however long each is, with the time when their first is due."""
    days = await DAYS.days(conn)
    rows = await conn.fetch(_WAITING, days, *_bounds(days))
    return [Line(**row) for row in rows]


async def claim(conn: Connection, lease: str, shares: Sequence[Share], now: datetime) -> list[Claimed]:
    """Lease what is due, for each line as much as its share, the longest due first."""
    rows = await conn.fetch(
        _CLAIM,
        lease,
        [share.subscription_id for share in shares],
        [share.retrying for share in shares],
        [share.room for share in shares],
        *_bounds([share.day for share in shares]),
        now,
    )
    return [Claimed(**row) for row in rows]


def _bounds(days: Sequence[date]) -> tuple[list[str], list[str]]:
    """Lay out the least ids of days, and those of the days after them."""
    return [least_delivery_id(day) for day in days], [least_delivery_id(day + _DAY) for day in days]
