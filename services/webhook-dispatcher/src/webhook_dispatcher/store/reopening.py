"""Opening deliveries again: a new round under the same id.

Invariant: only a delivery that no worker holds is opened, and its row is locked as it is: so nothing is under way for
it, and what a worker still writes of an older round finds no row (`store.outcomes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.store import turns

# Of a subscription that wants the order of a resource's events kept, whatever is opened takes its place in it.
_AWAITS_TURN = (
    "(SELECT true FROM subscriptions WHERE subscriptions.id = deliveries.subscription_id AND ordering = 'resource')"
)
# It waits in the lane of retries: what has just happened goes ahead of what is sent again.
_NEW_ROUND = f"""
    state = 'pending', reason = NULL, settled_at = NULL, retrying = true, round = deliveries.round + 1,
    earlier_attempts = deliveries.attempts,
    awaits_turn = CASE WHEN deliveries.state = 'pending' THEN deliveries.awaits_turn ELSE {_AWAITS_TURN} END
"""
_HAS_EVENT = "EXISTS (SELECT FROM events WHERE events.event_id = deliveries.event_id)"
_FAILED = "(deliveries.state = 'exhausted' OR deliveries.state = 'discarded' AND deliveries.reason = 'disabled')"
_RESEND = f"""
UPDATE deliveries SET {_NEW_ROUND}, due_at = $2
WHERE id = $1 AND leased_by IS NULL AND (state <> 'pending' OR awaits_turn IS NOT TRUE) AND {_HAS_EVENT}
RETURNING id, subscription_id, awaits_turn
"""
_REOPEN = f"""
UPDATE deliveries SET {_NEW_ROUND}, due_at = $2
FROM unnest($1::text[]) AS given (given_id)
WHERE id = given_id AND id BETWEEN $3 AND $4 -- the days beyond are not even opened
    AND state <> 'pending' AND {_HAS_EVENT}
RETURNING id, subscription_id, awaits_turn
"""
_LOOK = f"""
SELECT id, {_FAILED} AND settled_at >= $3 AND settled_at < $4 AS is_wanted
FROM deliveries
WHERE subscription_id = $1 AND id > $2 AND state IN ('exhausted', 'discarded')
ORDER BY id LIMIT $5
"""
_COUNT_FAILED = f"""
SELECT count(*) FROM (
    SELECT FROM deliveries
    WHERE subscription_id = $1 AND state IN ('exhausted', 'discarded') AND {_FAILED}
        AND settled_at >= coalesce($2::timestamptz, '-infinity') AND settled_at < coalesce($3::timestamptz, 'infinity')
    LIMIT $4
) AS failed
"""
_COUNT_WAITING = """
SELECT count(*) FROM (
    (
        SELECT FROM deliveries
        WHERE subscription_id = $1 AND state = 'pending' AND leased_by IS NULL AND awaits_turn IS NOT TRUE
        LIMIT $2
    )
    UNION ALL
    (SELECT FROM deliveries WHERE subscription_id = $1 AND state = 'pending' AND awaits_turn LIMIT $2)
) AS waiting
"""
_CREATE = f"""
INSERT INTO deliveries (id, event_id, subscription_id, org_id, event_type, retrying, round, due_at, awaits_turn)
SELECT id, event_id, subscription_id, org_id, event_type, true, 1, $6, {_AWAITS_TURN}
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS deliveries (id, event_id, subscription_id, org_id, event_type)
ON CONFLICT (id) DO NOTHING
RETURNING event_id, id, subscription_id, awaits_turn
"""


@dataclass(frozen=True, slots=True)
class SentAgain:
    """What a step of a replay did: how many deliveries it opened again, and which events got one."""

    reopened: int
    created: set[str]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What one step of a recovery did; `last` is the last delivery that it looked at, None behind the end."""

    last: str | None
    looked_at: int
    reopened: int


async def resend(conn: Connection, delivery_id: str, now: datetime) -> bool:
    """Open one delivery again, due now, and tell whether that was done.

    It is if no worker holds it, it does not await its turn anyway, and its event is here.
    """
    rows = await conn.fetch(_RESEND, delivery_id, now)
    await _line_up(conn, rows, now)
    return bool(rows)


async def recover(
    conn: Connection,
    subscription_id: str,
    behind: str,
    failed_since: datetime,
    failed_until: datetime,
    *,
    at_most: int,
    now: datetime,
) -> Recovered:
    """Open again what failed in a range of time, looking at so many of a subscription's deliveries behind one."""
    rows = await conn.fetch(_LOOK, subscription_id, behind, failed_since, failed_until, at_most)
    opened = await _reopen(conn, [row["id"] for row in rows if row["is_wanted"]], now)
    await _line_up(conn, opened, now)
    return Recovered(rows[-1]["id"] if rows else None, len(rows), len(opened))


async def count_failed(
    conn: Connection, subscription_id: str, since: datetime | None, until: datetime | None, *, at_most: int
) -> int:
    """Count what a recovery would open, up to a bound."""
    found: int = await conn.fetchval(_COUNT_FAILED, subscription_id, since, until, at_most)
    return found


async def count_waiting(conn: Connection, subscription_id: str, *, at_most: int) -> int:
    """Count a subscription's pending deliveries that no worker holds, up to a bound."""
    found: int = await conn.fetchval(_COUNT_WAITING, subscription_id, at_most)
    return found


async def send_again(conn: Connection, births: Sequence[Birth], now: datetime) -> SentAgain:
    """Open deliveries again that have ended, and write those that are not there, all due now.

    Those whose order is kept take their places in it together: a first one may be new, and its next opened again.
    """
    if not births:
        return SentAgain(0, set())
    opened = await _reopen(conn, [one.id for one in births], now)
    made = await conn.fetch(
        _CREATE,
        [one.id for one in births],
        [one.event_id for one in births],
        [one.subscription_id for one in births],
        [one.org_id for one in births],
        [one.event_type for one in births],
        now,
    )
    await _line_up(conn, [*opened, *made], now)
    return SentAgain(len(opened), {row["event_id"] for row in made})


async def _reopen(conn: Connection, delivery_ids: Sequence[str], now: datetime) -> Sequence[Record]:
    if not delivery_ids:
        return ()
    return await conn.fetch(_REOPEN, delivery_ids, now, min(delivery_ids), max(delivery_ids))


async def _line_up(conn: Connection, rows: Sequence[Record], now: datetime) -> None:
    await turns.line_up(conn, {row["id"]: row["subscription_id"] for row in rows if row["awaits_turn"]}, now)
