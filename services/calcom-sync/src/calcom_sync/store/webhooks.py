"""Webhooks that came, and the marks that they left, in their tables.

Invariants: a mark that was set again while it was read is not taken away; times of being due are the database's.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from calcom_sync.domain.marks import PAUSES, Mark
from chassis import tracing
from chassis.postgres import Connection

_NOTE = "INSERT INTO webhooks (org_id, body_hash, came_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING RETURNING true"
_MARK = """
INSERT INTO marks AS m (org_id, uid, times, said_at, heard_at, tries, due_at, traceparent)
SELECT $1, uid, 1, $3, $4, 0, now(), $5 FROM unnest($2::text[]) AS given (uid) ORDER BY uid
ON CONFLICT (org_id, uid) DO UPDATE SET
    times = m.times + 1,
    said_at = greatest(m.said_at, excluded.said_at),
    heard_at = excluded.heard_at,
    tries = 0,
    due_at = excluded.due_at,
    traceparent = excluded.traceparent
"""
_WAITING = """
SELECT DISTINCT ON (m.org_id) m.org_id, m.traceparent
FROM marks AS m JOIN integrations AS i ON i.org_id = m.org_id AND i.enabled
WHERE m.due_at <= now() AND NOT EXISTS (
    SELECT FROM runs AS r WHERE r.org_id = m.org_id AND r.kind = 'webhook' AND r.state IN ('queued', 'running')
) AND NOT EXISTS (
    SELECT FROM rests WHERE org_id = m.org_id AND ends_at > now() AND settings_at = i.updated_at
)
ORDER BY m.org_id, m.due_at LIMIT $1
"""
_TAKE = """
WITH due AS (
    SELECT uid FROM marks WHERE org_id = $1 AND (due_at <= now() OR run_id = $2)
    ORDER BY due_at, uid LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE marks AS m SET
    run_id = $2,
    tries = m.tries + 1,
    due_at = now() + ($4::interval[])[least(m.tries + 1, cardinality($4::interval[]))]
FROM due WHERE m.org_id = $1 AND m.uid = due.uid
RETURNING m.uid, m.times, m.said_at, m.heard_at
"""
_SETTLE = """
DELETE FROM marks AS m USING unnest($2::text[], $3::bigint[]) AS given (uid, times)
WHERE m.org_id = $1 AND m.uid = given.uid AND m.times = given.times
"""
_LEAVE = "UPDATE marks SET run_id = NULL WHERE org_id = $1 AND uid = ANY ($2::text[]) AND run_id = $3"
_COUNT = "SELECT count(*) FROM marks"
_SWEEP_WEBHOOKS = """
DELETE FROM webhooks WHERE (org_id, body_hash) IN (
    SELECT org_id, body_hash FROM webhooks WHERE came_at < now() - $1::interval LIMIT $2
)
"""
_SWEEP_MARKS = """
DELETE FROM marks WHERE (org_id, uid) IN (
    SELECT org_id, uid FROM marks WHERE heard_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def note(conn: Connection, org_id: str, body_hash: bytes) -> bool:
    """Note that a webhook came; tells whether it is the first time."""
    return bool(await conn.fetchval(_NOTE, org_id, body_hash))


async def mark(conn: Connection, org_id: str, uids: Collection[str], said_at: datetime | None, now: datetime) -> None:
    """Mark bookings, with the trace under way; one that is marked is told of once more, and is due at once.

    Args:
        conn: the connection.
        org_id: whose they are.
        uids: which they are.
        said_at: when they were written, if that is said.
        now: the current instant.
    """
    await conn.execute(_MARK, org_id, list(uids), said_at, now, tracing.current())


async def waiting(conn: Connection, most: int) -> dict[str, str | None]:
    """Tell organizations of which bookings are due, for which no run of webhooks waits, and which are to be asked.

    Returns:
        The trace context of what marked the one that is due longest, by organization.
    """
    return {row["org_id"]: row["traceparent"] for row in await conn.fetch(_WAITING, most)}


async def take(conn: Connection, org_id: str, run_id: str, most: int) -> list[Mark]:
    """Take marks in hand that are due, or that the run had in hand when it was broken off; others leave them then."""
    rows = await conn.fetch(_TAKE, org_id, run_id, most, list(PAUSES))
    return [Mark(row["uid"], row["times"], row["said_at"], row["heard_at"]) for row in rows]


async def settle(conn: Connection, org_id: str, marks: Sequence[Mark]) -> None:
    """Take marks away, but for those that were set again."""
    await conn.execute(_SETTLE, org_id, [one.uid for one in marks], [one.times for one in marks])


async def leave(conn: Connection, org_id: str, run_id: str, uids: Collection[str]) -> None:
    """Leave marks to a later run, when they are due."""
    await conn.execute(_LEAVE, org_id, list(uids), run_id)


async def count(conn: Connection) -> int:
    """Count the marks."""
    return int(await conn.fetchval(_COUNT))


async def sweep_webhooks(conn: Connection, kept: timedelta, most: int) -> None:
    """Forget webhooks that came so long ago, some at a time."""
    await conn.execute(_SWEEP_WEBHOOKS, kept, most)


async def sweep_marks(conn: Connection, kept: timedelta, most: int) -> int:
    """Give marks up that nothing has been heard of for so long, likewise; tells how many."""
    status = await conn.execute(_SWEEP_MARKS, kept, most)
    return int(status.rpartition(" ")[2])
