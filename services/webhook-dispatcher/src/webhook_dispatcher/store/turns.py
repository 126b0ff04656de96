"""Turns: of a subscription that wants the order of a resource's events kept, which delivery may be sent now.

Invariants: of each subscription and resource at most one pending delivery has its turn, which the database itself
refuses to break; when it has ended, the turn is the pending one's with the lowest sequence. Whoever changes what a
subscription's turns depend on locks them first, so that none is left without a successor that was written meanwhile.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from asyncpg import Record

from chassis.postgres import Connection

_LOCK_SPACE = 0x7475726E  # beside other advisory locks of the database
_LOCK = """
SELECT pg_advisory_xact_lock($1, key)
FROM (SELECT DISTINCT hashtext(id) AS key FROM unnest($2::text[]) AS given (id) ORDER BY 1) AS keys
"""
# The days beyond the least and the greatest id of what is asked for are not even opened.
_JOIN = """
INSERT INTO turns (delivery_id, subscription_id, resource_id, sequence)
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS given (id, subscription_id, resource_id, sequence)
WHERE NOT EXISTS (SELECT FROM deliveries WHERE deliveries.id = given.id AND deliveries.id BETWEEN $5 AND $6)
RETURNING subscription_id, resource_id
"""
_LINE_UP = """
INSERT INTO turns (delivery_id, subscription_id, resource_id, sequence)
SELECT id, subscription_id, resource_id, sequence
FROM deliveries JOIN events USING (event_id)
WHERE id = ANY ($1::text[]) AND id BETWEEN $2 AND $3 AND state = 'pending' AND awaits_turn
ON CONFLICT (delivery_id) DO NOTHING
RETURNING subscription_id, resource_id
"""
_LEAVE = """
DELETE FROM turns USING deliveries
WHERE delivery_id = ANY ($1::text[]) AND id = delivery_id AND id BETWEEN $2 AND $3 AND state <> 'pending'
RETURNING turns.subscription_id, turns.resource_id
"""
_LEAVE_ALL = """
DELETE FROM turns USING deliveries
WHERE turns.subscription_id = ANY ($1::text[]) AND id = delivery_id AND state <> 'pending'
"""
_NEXT = """
UPDATE turns SET is_on = true
FROM unnest($1::text[], $2::text[]) AS line (subscription_id, resource_id)
CROSS JOIN LATERAL (
    SELECT delivery_id FROM turns
    WHERE subscription_id = line.subscription_id AND resource_id = line.resource_id
    ORDER BY sequence, delivery_id LIMIT 1
) AS first
WHERE turns.delivery_id = first.delivery_id AND NOT EXISTS (
    SELECT FROM turns AS other
    WHERE other.subscription_id = line.subscription_id AND other.resource_id = line.resource_id AND other.is_on
)
RETURNING turns.delivery_id
"""
_BEGIN = """
UPDATE deliveries SET awaits_turn = false, due_at = $4
WHERE id = ANY ($1::text[]) AND id BETWEEN $2 AND $3 AND state = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A delivery's place in the order of its resource's."""

    delivery_id: str
    subscription_id: str
    resource_id: str
    sequence: int


async def lock(conn: Connection, subscription_ids: Collection[str]) -> None:
    """Keep others from changing what the turns of some subscriptions depend on, until the transaction ends.

    Whoever needs several locks them at once; after the rows of subscriptions, and before what is counted of events.
    """
    await conn.execute(_LOCK, _LOCK_SPACE, list(subscription_ids))


async def join(conn: Connection, wanted: Sequence[Turn]) -> set[str]:
    """Take new deliveries into the order before they are written, and answer the ids of those whose turn it is.

    Their subscriptions are locked. Those that are there already are left as they are.
    """
    columns = map(list, zip(*map(astuple, wanted), strict=True))
    lines = await conn.fetch(_JOIN, *columns, *_ends([one.delivery_id for one in wanted]))
    return await _next(conn, lines)


async def line_up(conn: Connection, opened: Mapping[str, str], now: datetime) -> None:
    """Take deliveries into the order that were just opened to await their turn; each is told with its subscription."""
    if opened:
        await lock(conn, set(opened.values()))
        await _begin(conn, await conn.fetch(_LINE_UP, list(opened), *_ends(opened)), now)


async def pass_on(conn: Connection, delivery_ids: Sequence[str], now: datetime) -> None:
    """Give the turns of those deliveries that have ended to the next; their subscriptions are locked."""
    await _begin(conn, await conn.fetch(_LEAVE, delivery_ids, *_ends(delivery_ids)), now)


async def leave(conn: Connection, subscription_ids: Sequence[str]) -> None:
    """Take what has ended of subscriptions that are sent nothing any more out of the order; they are locked."""
    await conn.execute(_LEAVE_ALL, subscription_ids)


async def _begin(conn: Connection, lines: Sequence[Record], now: datetime) -> None:
    """Let the next deliveries of some lines be sent, from now on."""
    first = await _next(conn, lines)
    if first:
        await conn.execute(_BEGIN, list(first), *_ends(first), now)


async def _next(conn: Connection, lines: Sequence[Record]) -> set[str]:
    """Give the turn to the first of each line in which nobody has it."""
    distinct = sorted({(subscription_id, resource_id) for subscription_id, resource_id in lines})
    if not distinct:
        return set()
    return {row[0] for row in await conn.fetch(_NEXT, *map(list, zip(*distinct, strict=True)))}


def _ends(delivery_ids: Collection[str]) -> tuple[str, str]:
    return min(delivery_ids), max(delivery_ids)
