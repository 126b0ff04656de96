"""Which deliveries wait, and taking them: a loose index scan over (subscription, lane), then a share of each.

Invariant: a row is claimed by one worker at a time (`FOR UPDATE SKIP LOCKED`), and no subscription's backlog, however
long, is read to find another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.postgres import Connection

_WAITING = """
WITH RECURSIVE line AS (
    (
        SELECT subscription_id, retrying, due_at FROM deliveries
        WHERE state = 'pending' AND leased_by IS NULL
        ORDER BY subscription_id, retrying, due_at LIMIT 1
    )
    UNION ALL
    SELECT next.subscription_id, next.retrying, next.due_at
    FROM line CROSS JOIN LATERAL (
        SELECT subscription_id, retrying, due_at FROM deliveries
        WHERE state = 'pending' AND leased_by IS NULL
            AND (subscription_id, retrying) > (line.subscription_id, line.retrying)
        ORDER BY subscription_id, retrying, due_at LIMIT 1
    ) AS next
)
SELECT subscription_id, retrying, due_at FROM line
"""
_CLAIM = """
WITH picked AS (
    SELECT one.id
    FROM unnest($2::text[], $3::boolean[], $4::int[]) AS wanted (subscription_id, retrying, room)
    CROSS JOIN LATERAL (
        SELECT id FROM deliveries
        WHERE subscription_id = wanted.subscription_id AND retrying = wanted.retrying
            AND state = 'pending' AND leased_by IS NULL AND due_at <= $5
        ORDER BY due_at LIMIT wanted.room
        FOR UPDATE SKIP LOCKED
    ) AS one
), claimed AS (
    UPDATE deliveries SET leased_by = $1 FROM picked WHERE deliveries.id = picked.id
    RETURNING deliveries.id, event_id, subscription_id, attempts, due_at
)
SELECT claimed.id, subscription_id, attempts, record
FROM claimed JOIN inbox USING (event_id)
ORDER BY due_at, claimed.id
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A subscription's deliveries that wait for one lane; the first of them is due at `due_at`."""

    subscription_id: str
    retrying: bool
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """How many deliveries of a line a worker wants."""

    subscription_id: str
    retrying: bool
    room: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that a worker took, with its event's record."""

    id: str
    subscription_id: str
    attempts: int
    record: bytes


async def waiting(conn: Connection) -> list[Line]:
    """Tell which lines wait, however long each is, with the time when their first is due."""
    return [Line(**row) for row in await conn.fetch(_WAITING)]


async def claim(conn: Connection, lease: str, shares: Sequence[Share], now: datetime) -> list[Claimed]:
    """Lease what is due, for each line as much as its share, the longest due first."""
    rows = await conn.fetch(
        _CLAIM,
        lease,
        [share.subscription_id for share in shares],
        [share.retrying for share in shares],
        [share.room for share in shares],
        now,
    )
    return [Claimed(**row) for row in rows]
