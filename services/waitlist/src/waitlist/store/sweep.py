"""The sweep over all queues in which somebody waits.

Invariant: one sweeps at a time, and goes on where the last one came to, whichever process that was.
"""

from datetime import timedelta

from chassis.postgres import Connection

_BEGIN = "SELECT org_id, queue FROM sweep WHERE due_at <= now() FOR UPDATE SKIP LOCKED"
# From queue to queue by the index, however many wait in each.
_SWEEP = """
WITH RECURSIVE live AS (
    (
        SELECT org_id, queue, 1 AS number FROM entries
        WHERE status IN ('waiting', 'notified') AND (org_id, queue) > ($1, $2)
        ORDER BY org_id, queue LIMIT 1
    )
    UNION ALL
    SELECT next.org_id, next.queue, live.number + 1
    FROM live CROSS JOIN LATERAL (
        SELECT org_id, queue FROM entries
        WHERE status IN ('waiting', 'notified') AND (entries.org_id, entries.queue) > (live.org_id, live.queue)
        ORDER BY org_id, queue LIMIT 1
    ) AS next
    WHERE live.number < $3
), marked AS (
    INSERT INTO queues (org_id, queue, due_at, marked_at)
    SELECT org_id, queue, due_at, due_at
    FROM (SELECT org_id, queue, now() + random() * $4::interval AS due_at FROM live) AS spread
    ORDER BY org_id, queue
    ON CONFLICT DO NOTHING
)
SELECT org_id, queue FROM live ORDER BY number DESC LIMIT 1
"""
_COME_TO = "UPDATE sweep SET org_id = $1, queue = $2"
_END = "UPDATE sweep SET org_id = '', queue = '', due_at = now() + $1::interval"


async def step(conn: Connection, at_most: int, every: timedelta) -> bool:
    """Mark the next queues, each for some time before the next sweep, unless they are marked; tell whether it goes on.

    Args:
        conn: a transaction.
        at_most: how many.
        every: how long it is from the end of a sweep to the beginning of the next.
    """
    begun = await conn.fetchrow(_BEGIN)
    if begun is None:
        return False
    last = await conn.fetchrow(_SWEEP, begun["org_id"], begun["queue"], at_most, every)
    if last is None:
        await conn.execute(_END, every)
        return False
    await conn.execute(_COME_TO, last["org_id"], last["queue"])
    return True
