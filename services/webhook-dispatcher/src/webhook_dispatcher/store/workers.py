"""Workers' heartbeats, and the release of what dead workers held.

Invariant: a lease is good exactly as long as its worker's row is here, and a row that was too old for a moment never
becomes fresh again: the worker takes a new identity.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from chassis.postgres import Connection
from webhook_dispatcher.store.days import LEASED

_REGISTER = "INSERT INTO workers (id, heartbeat_at) VALUES ($1, clock_timestamp())"
_RENEW = """
UPDATE workers SET heartbeat_at = clock_timestamp()
WHERE id = $1 AND heartbeat_at > clock_timestamp() - $2::interval
"""
_FORGET = "DELETE FROM workers WHERE id = $1"
_BURY = "DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - $1::interval"
_RELEASE = f"""
WITH RECURSIVE holders AS (
    (
        SELECT leased_by FROM deliveries WHERE {LEASED} ORDER BY leased_by LIMIT 1
    )
    UNION ALL
    SELECT next.leased_by
    FROM holders CROSS JOIN LATERAL (
        SELECT leased_by FROM deliveries
        WHERE {LEASED} AND leased_by > holders.leased_by
        ORDER BY leased_by LIMIT 1
    ) AS next
), freed AS (
    SELECT deliveries.id
    FROM holders JOIN deliveries USING (leased_by)
    WHERE {LEASED} AND NOT EXISTS (SELECT FROM workers WHERE id = leased_by)
    LIMIT $1
    FOR UPDATE OF deliveries SKIP LOCKED
)
UPDATE deliveries SET leased_by = NULL FROM freed WHERE deliveries.id = freed.id
"""
_HELD = "SELECT id, leased_by AS lease, round, attempts FROM deliveries WHERE state = 'pending' AND leased_by = $1"
_LET_GO = """
UPDATE deliveries SET leased_by = NULL
FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS held (id, lease, round, attempts)
WHERE deliveries.id = held.id AND leased_by = held.lease AND deliveries.round = held.round
    AND deliveries.attempts = held.attempts
    AND deliveries.id BETWEEN $5 AND $6 -- the days beyond are not even opened
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery as it was leased: for the attempt after so many, in one of its rounds."""

    id: str
    lease: str
    attempts: int
    round: int = 0


async def register(conn: Connection, worker_id: str) -> None:
    """Write a new worker with a fresh heartbeat."""
    await conn.execute(_REGISTER, worker_id)


async def renew(conn: Connection, worker_id: str, lease: timedelta) -> bool:
    """Renew a worker's heartbeat, and tell whether it still holds what it held."""
    done: str = await conn.execute(_RENEW, worker_id, lease)
    return done == "UPDATE 1"


async def forget(conn: Connection, worker_id: str) -> None:
    """Give up all that a worker holds."""
    await conn.execute(_FORGET, worker_id)


async def bury(conn: Connection, lease: timedelta) -> None:
    """Remove the workers whose heartbeat is older than their lease."""
    await conn.execute(_BURY, lease)


async def held(conn: Connection, worker_id: str) -> list[Held]:
    """Tell all that a worker holds."""
    return [Held(**row) for row in await conn.fetch(_HELD, worker_id)]


async def let_go(conn: Connection, some: Collection[Held]) -> None:
    """Free deliveries that are still leased as they were, for others to claim."""
    ids = [one.id for one in some]
    rows = [(one.id, one.lease, one.round, one.attempts) for one in some]
    await conn.execute(_LET_GO, *map(list, zip(*rows, strict=True)), min(ids), max(ids))


async def release(conn: Connection, at_most: int) -> int:
    """Free deliveries whose holder is gone, and answer how many."""
    done: str = await conn.execute(_RELEASE, at_most)
    return int(done.split()[1])
