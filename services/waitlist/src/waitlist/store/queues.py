"""Locks of queues.

Invariant: while a transaction holds a queue's lock, no other holds it; it ends with the transaction.
"""

from chassis.postgres import Connection

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))"
_SEED = 0x574C  # apart from what else is locked by number in the database


async def lock(conn: Connection, org_id: str, queue: str) -> None:
    """Wait until the queue is this transaction's alone."""
    await conn.execute(_LOCK, f"{org_id} {queue}", _SEED)
