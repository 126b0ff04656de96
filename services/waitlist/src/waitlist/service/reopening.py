"""Letting be offered once more what was let pass for good: something fell free there, or the policy changed.

Invariant: each queue is done by itself under its lock, and nothing is marked here: whoever reopens marks afterwards.
"""

from collections.abc import Collection, Sequence

from chassis.postgres import Database
from waitlist.domain.times import Span
from waitlist.store import queues, reopening


async def reopen(database: Database, org_id: str, names: Collection[str], spans: Sequence[Span] | None = None) -> None:
    """Reopen what was offered in some queues.

    Args:
        database: where they are.
        org_id: the organization.
        names: the queues.
        spans: what fell free there; None for anything.

    Raises:
        OSError, asyncpg.PostgresError: the database is away.
    """
    async with database.connection() as conn:
        found = await reopening.to_reopen(conn, org_id, names, spans)
    for queue in found:
        async with database.transaction() as conn:
            await queues.lock(conn, org_id, queue)
            await reopening.reopen(conn, org_id, queue, spans)
