"""Queues: their locks, and which of them are to be looked at.

Invariants: while a transaction holds a queue's lock, no other holds it; it ends with the transaction. A mark stands
until a look that was begun after it has ended well: a take holds a queue for a while only, a mark that comes meanwhile
stays, and what ends a take does so only for the one who holds it. Times are the database's, whoever asks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from chassis import tracing
from chassis.postgres import Connection

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))"
_SEED = 0x574C  # apart from what else is locked by number in the database

# In the order of the key, so that no two writers wait for each other. One that is due already is left as it is, which
# spares a write for each of many things that fall free together.
_MARK = """
INSERT INTO queues (org_id, queue, due_at, marked_at, traceparent)
SELECT $1, queue, due_at, due_at, $3
FROM (SELECT queue, clock_timestamp() AS due_at FROM ({queues}) AS wanted) AS marked
ORDER BY queue
ON CONFLICT (org_id, queue) DO UPDATE SET
    due_at = excluded.due_at,
    marked_at =
        CASE WHEN queues.held_by IS NULL THEN least(queues.marked_at, excluded.due_at) ELSE queues.marked_at END,
    traceparent = excluded.traceparent
WHERE queues.due_at > excluded.due_at
"""
_LIVE = "e.status IN ('waiting', 'notified')"
_MARK_ONE = _MARK.format(queues="SELECT $2::text AS queue")
_WAITED_IN = f"""
SELECT DISTINCT named.queue FROM unnest($2::text[]) AS named (queue)
WHERE EXISTS (SELECT FROM entries e WHERE e.org_id = $1 AND e.queue = named.queue AND {_LIVE})
"""
_MARK_LIVE = _MARK.format(queues=_WAITED_IN)
_OF_LOCATION = f"SELECT DISTINCT e.queue FROM entries e WHERE e.org_id = $1 AND e.location_id = $2 AND {_LIVE}"
_OF_INSTANCES = f"SELECT DISTINCT e.queue FROM entries e WHERE e.org_id = $1 AND e.location_id IS NULL AND {_LIVE}"

_NEXT = "coalesce(held_until, due_at)"  # when a queue may be taken: its turn, or the end of a take or a rest
# From organization to organization by the index, and of each no more than are to be taken, however many are due.
_TAKE = f"""
WITH RECURSIVE orgs AS (
    (SELECT org_id FROM queues ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.org_id FROM queues q WHERE q.org_id > orgs.org_id ORDER BY q.org_id LIMIT 1)
    FROM orgs WHERE orgs.org_id IS NOT NULL
), turns AS (
    SELECT first.org_id, first.queue, first.next, held.number + first.number AS turn
    FROM orgs CROSS JOIN LATERAL (
        SELECT org_id, queue, {_NEXT} AS next, row_number() OVER (ORDER BY {_NEXT}) AS number FROM queues
        WHERE org_id = orgs.org_id AND {_NEXT} <= now() ORDER BY {_NEXT} LIMIT $1
    ) AS first CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM queues
        WHERE org_id = orgs.org_id AND held_by IS NOT NULL AND held_until > now()
    ) AS held
), due AS (
    SELECT queues.org_id, queues.queue FROM queues JOIN turns USING (org_id, queue)
    WHERE {_NEXT} <= now() ORDER BY turns.turn, turns.next LIMIT $1 FOR UPDATE OF queues SKIP LOCKED
)
UPDATE queues SET held_by = $2, held_until = now() + $3::interval, due_at = 'infinity'
FROM due WHERE queues.org_id = due.org_id AND queues.queue = due.queue
RETURNING queues.org_id, queues.queue, queues.held_by AS holder, queues.failures, queues.traceparent
"""
_KEEP = "UPDATE queues SET held_until = now() + $2::interval WHERE held_by = ANY ($1::text[])"
_HELD = "org_id = $1 AND queue = $2 AND held_by = $3"
_FORGET = f"DELETE FROM queues WHERE {_HELD} AND due_at = 'infinity'"
_RETURN = f"""
UPDATE queues SET held_by = NULL, held_until = NULL, failures = 0, marked_at = due_at WHERE {_HELD}
"""
_REST = f"""
UPDATE queues
SET held_by = NULL, held_until = now() + $4::interval, due_at = least(due_at, marked_at), failures = failures + 1
WHERE {_HELD}
"""
_PAUSE = f"SELECT extract(epoch FROM min({_NEXT}) - now())::float8 FROM queues"
_BACKLOG = """
SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(marked_at)), 0)::float8 AS oldest_seconds
FROM queues WHERE marked_at <= now()
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A queue that is to be looked at now.

    Attributes:
        holder: whose take it is.
        failures: how many looks before this one have failed in a row.
        traceparent: the trace context of what first marked it since it was last taken.
    """

    org_id: str
    queue: str
    holder: str
    failures: int
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many looks are owed or under way, and since when the oldest is."""

    due: int
    oldest_seconds: float


async def lock(conn: Connection, org_id: str, queue: str) -> None:
    """Wait until the queue is this transaction's alone."""
    await conn.execute(_LOCK, f"{org_id} {queue}", _SEED)


async def mark(conn: Connection, org_id: str, queue: str) -> None:
    """Have a queue looked at; the look goes on with the trace under way."""
    await conn.execute(_MARK_ONE, org_id, queue, tracing.current())


async def mark_live(conn: Connection, org_id: str, queues: Collection[str]) -> bool:
    """Do so with those in which somebody waits; tell whether any of them was not due before."""
    return _any(await conn.execute(_MARK_LIVE, org_id, list(queues), tracing.current()))


async def waited_in(conn: Connection, org_id: str, queues: Collection[str]) -> list[str]:
    """Find those queues in which somebody waits."""
    return [row["queue"] for row in await conn.fetch(_WAITED_IN, org_id, list(queues))]


async def of_location(conn: Connection, org_id: str, location_id: str) -> list[str]:
    """Find the queues of a location in which somebody waits."""
    return [row["queue"] for row in await conn.fetch(_OF_LOCATION, org_id, location_id)]


async def of_instances(conn: Connection, org_id: str) -> list[str]:
    """Find the queues of event instances in which somebody waits, of whichever service."""
    return [row["queue"] for row in await conn.fetch(_OF_INSTANCES, org_id)]


async def take(conn: Connection, holder: str, at_most: int, lease: timedelta) -> list[Taken]:
    """Take queues that are due, for as long as the lease is kept.

    Of each organization the longest due comes first, and of several organizations the one of which the fewest are
    taken, so that none waits for another to have all of its queues looked at.
    """
    return [Taken(**row) for row in await conn.fetch(_TAKE, at_most, holder, lease)]


async def keep(conn: Connection, holders: Collection[str], lease: timedelta) -> None:
    """Keep what was taken, from now on for the length of the lease."""
    await conn.execute(_KEEP, list(holders), lease)


async def done(conn: Connection, taken: Taken) -> None:
    """End a take that went well; a queue that was marked meanwhile is due again."""
    held = taken.org_id, taken.queue, taken.holder
    if not _any(await conn.execute(_FORGET, *held)):
        await conn.execute(_RETURN, *held)


async def rest(conn: Connection, taken: Taken, pause: timedelta) -> None:
    """End a take that went wrong: the look is still owed, and is not had before the pause is over."""
    await conn.execute(_REST, taken.org_id, taken.queue, taken.holder, pause)


async def pause(conn: Connection) -> float | None:
    """Tell in how many seconds a queue can be taken, at once if not more than 0; None if there is none."""
    found: float | None = await conn.fetchval(_PAUSE)
    return found


async def backlog(conn: Connection) -> Backlog:
    """Count what is owed."""
    (row,) = await conn.fetch(_BACKLOG)
    return Backlog(**row)


def _any(told: str) -> bool:
    return not told.endswith(" 0")
