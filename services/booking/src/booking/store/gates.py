"""The gate of a schedule with limits: whoever makes or moves a booking there goes through it one after another.

Invariant: who went through it holds its lock until the end of the transaction, so that what was counted stays true.
"""

from collections.abc import Sequence
from datetime import datetime

from chassis.postgres import Connection

_ENTER = """
INSERT INTO gates (schedule_id, recent) VALUES ($1, array_fill($2::timestamptz, ARRAY[$3::integer]))
ON CONFLICT (schedule_id) DO UPDATE SET
    recent = ARRAY(SELECT at FROM unnest(gates.recent) AS at WHERE at > $2 - interval '1 minute' ORDER BY at)
        || excluded.recent
RETURNING recent
"""


async def enter(conn: Connection, schedule_id: str, *, made: int, now: datetime) -> Sequence[datetime]:
    """Wait for one's turn and go through.

    Args:
        conn: a transaction; if it is rolled back, nobody was here.
        schedule_id: whose gate.
        made: how many bookings are made now.
        now: the current instant.

    Returns:
        When bookings were made within the last minute, these included, the earliest first.
    """
    recent: Sequence[datetime] = await conn.fetchval(_ENTER, schedule_id, now, made)
    return recent
