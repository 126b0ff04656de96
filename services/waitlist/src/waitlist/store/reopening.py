"""What was let pass for good and may be offered once more.

Invariant: of several offers the rows are locked in the order of their ids, by who holds the lock of their queue or of
their entry, so that no writers wait for each other in a circle.
"""

from collections.abc import Collection, Sequence

from chassis.postgres import Connection
from waitlist.domain.times import Span

_PASSED = "NOT o.reopened AND o.state IN ('requested', 'live', 'declined', 'expired')"
_THERE = """
($3::timestamptz[] IS NULL OR EXISTS (
    SELECT FROM unnest($3::timestamptz[], $4::timestamptz[]) AS span (start_time, end_time)
    WHERE o.start_time < span.end_time AND span.start_time < o.end_time
))
"""
_LIVE = "EXISTS (SELECT FROM entries e WHERE e.id = o.entry_id AND e.status IN ('waiting', 'notified'))"
_QUEUES = f"""
SELECT DISTINCT o.queue FROM offers o
WHERE o.org_id = $1 AND o.queue = ANY ($2::text[]) AND {_PASSED} AND {_THERE} AND {_LIVE} ORDER BY o.queue
"""
_REOPEN = "UPDATE offers SET reopened = true WHERE id IN ({found})"
_REOPEN_QUEUE = _REOPEN.format(
    found=f"""
    SELECT o.id FROM offers o
    WHERE o.org_id = $1 AND o.queue = $2 AND {_PASSED} AND {_THERE} AND {_LIVE} ORDER BY o.id FOR UPDATE
    """
)
_REOPEN_ENTRY = _REOPEN.format(
    found=f"SELECT o.id FROM offers o WHERE o.org_id = $1 AND o.entry_id = $2 AND {_PASSED} ORDER BY o.id FOR UPDATE"
)
_IS_OURS = "SELECT EXISTS (SELECT FROM offers WHERE org_id = $1 AND hold_id = $2)"


async def to_reopen(
    conn: Connection, org_id: str, queues: Collection[str], spans: Sequence[Span] | None = None
) -> list[str]:
    """Find those queues in which something was offered to who still waits, in some spans of time or at any time."""
    return [row["queue"] for row in await conn.fetch(_QUEUES, org_id, list(queues), *_bounds(spans))]


async def reopen(conn: Connection, org_id: str, queue: str, spans: Sequence[Span] | None = None) -> None:
    """Let what was offered there be offered once more to who lets it pass. The caller holds the queue's lock."""
    await conn.execute(_REOPEN_QUEUE, org_id, queue, *_bounds(spans))


async def reopen_entry(conn: Connection, org_id: str, entry_id: str) -> None:
    """Let an entry be offered once more what it let pass. The caller holds its lock."""
    await conn.execute(_REOPEN_ENTRY, org_id, entry_id)


async def is_ours(conn: Connection, org_id: str, hold_id: str) -> bool:
    """Tell whether a hold was that of an offer."""
    return bool(await conn.fetchval(_IS_OURS, org_id, hold_id))


def _bounds(spans: Sequence[Span] | None) -> tuple[list[object] | None, list[object] | None]:
    if spans is None:
        return None, None
    return [span.start for span in spans], [span.end for span in spans]
