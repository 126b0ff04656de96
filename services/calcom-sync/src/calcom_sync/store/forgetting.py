"""Deleting the runs that were over long ago, and what is noted of them.

Invariants: a run goes from sight whole, and only then its rows are deleted, some at a time; one stays while it tells
that booking has not taken a chain over, and so does the one from which an organization's next periodic run is reckoned.
"""

from dataclasses import dataclass
from datetime import datetime

from chassis.postgres import Connection

_NO_MORE_NEEDED = """
NOT EXISTS (SELECT FROM rounds AS p WHERE p.org_id = r.org_id AND p.run_id = r.id)
AND NOT EXISTS (
    SELECT FROM run_items AS i
    JOIN chains AS c ON c.org_id = r.org_id AND c.chain_id = i.chain_id AND c.last_event_id = i.event_id
    WHERE i.run_id = r.id AND (i.outcome IS NULL OR i.outcome IN ('invalid', 'no_answer'))
)
"""
_HIDE = f"""
UPDATE runs SET is_kept = false WHERE id IN (
    SELECT id FROM runs AS r WHERE is_kept AND ended_at < $1 AND {_NO_MORE_NEEDED}
    ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
_HIDE_IDLE = """
UPDATE runs SET is_kept = false WHERE id IN (
    SELECT id FROM runs AS r
    WHERE is_kept AND kind = 'webhook' AND state = 'completed' AND ended_at < $1
        AND NOT EXISTS (SELECT FROM run_items AS i WHERE i.run_id = r.id)
    ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
_HIDDEN = "SELECT id FROM runs WHERE NOT is_kept"
_DELETE_UIDS = f"""
DELETE FROM run_uids WHERE (run_id, uid) IN (
    SELECT run_id, uid FROM run_uids WHERE run_id IN ({_HIDDEN}) LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""
_DELETE_ITEMS = f"""
DELETE FROM run_items WHERE event_id IN (
    SELECT event_id FROM run_items WHERE run_id IN ({_HIDDEN}) LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""
_DELETE_RUNS = """
DELETE FROM runs WHERE id IN (
    SELECT id FROM runs AS r WHERE NOT is_kept
        AND NOT EXISTS (SELECT FROM run_items AS i WHERE i.run_id = r.id)
        AND NOT EXISTS (SELECT FROM run_uids AS u WHERE u.run_id = r.id)
    LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class Before:
    """Which runs are forgotten: those that ended before.

    Attributes:
        idle: of webhooks' runs that went well and told nothing.
        any: of all.
    """

    idle: datetime
    any: datetime


async def step(conn: Connection, before: Before, most: int) -> int:
    """Hide some runs and delete some rows of those that are hidden; tells how many, 0 when nothing is left.

    Args:
        conn: a connection without a transaction, so that each step is one by itself.
        before: which runs.
        most: how many rows each statement takes.
    """
    done = [
        await conn.execute(_HIDE, before.any, most),
        await conn.execute(_HIDE_IDLE, before.idle, most),
        await conn.execute(_DELETE_UIDS, most),
        await conn.execute(_DELETE_ITEMS, most),
        await conn.execute(_DELETE_RUNS, most),
    ]
    return sum(int(status.rpartition(" ")[2]) for status in done)
