"""Refusals of booking in their table.

Invariant: of an entry and a start the last one is kept; one from before a change of the entry tells nothing any more.
"""

from datetime import datetime

from chassis.postgres import Connection
from waitlist.domain.refusing import Refusal
from waitlist.domain.visits import Place

_PUT = """
INSERT INTO refusals (entry_id, start_time, end_time, org_id, queue, code, message, refused_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (entry_id, start_time) DO UPDATE
SET end_time = excluded.end_time, code = excluded.code, message = excluded.message, refused_at = excluded.refused_at
"""
_OF_QUEUE = """
SELECT r.entry_id, r.start_time, r.end_time, r.code, r.message
FROM refusals r JOIN entries e ON e.id = r.entry_id AND e.status IN ('waiting', 'notified')
WHERE r.org_id = $1 AND r.queue = $2 AND r.refused_at >= e.updated_at ORDER BY r.refused_at
"""


async def put(conn: Connection, org_id: str, queue: str, refusal: Refusal, now: datetime) -> None:
    """Write what booking answered."""
    place = refusal.place
    values = refusal.entry_id, place.start, place.end, org_id, queue, refusal.code, refusal.message, now
    await conn.execute(_PUT, *values)


async def of_queue(conn: Connection, org_id: str, queue: str) -> list[Refusal]:
    """Read what booking refused those who have a place in a queue, the oldest first."""
    return [
        Refusal(row["entry_id"], Place(row["start_time"], row["end_time"]), row["code"], row["message"])
        for row in await conn.fetch(_OF_QUEUE, org_id, queue)
    ]
