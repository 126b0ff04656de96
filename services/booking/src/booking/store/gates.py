"""The gate of a schedule with limits: whoever makes or moves a booking there goes through it one after another.

Invariant: who went through it holds its lock until the end of the transaction, so that what was counted stays true.
"""

from datetime import datetime

from chassis.postgres import Connection

_ENTER = """
INSERT INTO gates (schedule_id, since, made) VALUES ($1, $2, $3)
ON CONFLICT (schedule_id) DO UPDATE SET
    since = CASE WHEN gates.since <= $2 - interval '1 minute' THEN $2 ELSE gates.since END,
    made = CASE WHEN gates.since <= $2 - interval '1 minute' THEN 0 ELSE gates.made END + $3
RETURNING since, made
"""


async def enter(conn: Connection, schedule_id: str, *, made: int, now: datetime) -> tuple[datetime, int]:
    """Wait for one's turn and go through.

    Args:
        conn: a transaction; if it is rolled back, nobody was here.
        schedule_id: whose gate.
        made: how many bookings are made now.
        now: the current instant.

    Returns:
        When the running minute began, and how many bookings were made in it, these included.
    """
    row = await conn.fetchrow(_ENTER, schedule_id, now, made)
    if row is None:
        raise AssertionError("an INSERT that returns its row answered none")
    return row["since"], row["made"]
