"""What the stream of attempts made of endpoints, in PostgreSQL for every instance to read.

Invariants: a row is never overwritten by what was made of fewer records: positions only rise. Each endpoint has one row
and one for each slot of its ring of minutes; they go with their subscription, and none is ever deleted by age.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.postgres import Connection
from webhook_dispatcher.domain.health import MINUTES, Standing, Tally

_SLOTS = MINUTES + 4  # a minute's row is still there when the same slot of the next hour is written

_PUT_MINUTES = """
INSERT INTO endpoint_minutes AS known (subscription_id, slot, minute, position, successes, latencies)
SELECT subscription_id, slot, minute, position, successes, latencies
FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::int[], $6::jsonb[])
    AS given (subscription_id, slot, minute, position, successes, latencies)
ORDER BY subscription_id, slot
ON CONFLICT (subscription_id, slot) DO UPDATE
SET minute = excluded.minute, position = excluded.position, successes = excluded.successes,
    latencies = excluded.latencies
WHERE (excluded.minute, excluded.position) > (known.minute, known.position)
"""
_PUT_STANDINGS = """
INSERT INTO endpoint_health AS known (
    subscription_id, position, active_since, failing_since, failures, last_success_at, last_attempt_at
)
SELECT subscription_id, position, active_since, failing_since, failures, last_success_at, last_attempt_at
FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::timestamptz[],
    $7::timestamptz[])
    AS given (subscription_id, position, active_since, failing_since, failures, last_success_at, last_attempt_at)
ORDER BY subscription_id
ON CONFLICT (subscription_id) DO UPDATE
SET position = excluded.position, active_since = excluded.active_since, failing_since = excluded.failing_since,
    failures = excluded.failures, last_success_at = excluded.last_success_at,
    last_attempt_at = excluded.last_attempt_at
WHERE excluded.position >= known.position
RETURNING subscription_id
"""
_MINUTES = "SELECT minute, successes, latencies FROM endpoint_minutes WHERE subscription_id = $1"
_STANDING = """
SELECT active_since, failing_since, failures, last_success_at, last_attempt_at
FROM endpoint_health WHERE subscription_id = $1
"""
_FORGET = """
WITH minutes AS (DELETE FROM endpoint_minutes WHERE subscription_id = $1)
DELETE FROM endpoint_health WHERE subscription_id = $1
"""


@dataclass(frozen=True, slots=True)
class CountedMinute:
    """An endpoint's minute, after the record at `position` was counted."""

    subscription_id: str
    minute: int
    position: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class CountedStanding:
    """How an endpoint stands after the record at `position` was counted."""

    subscription_id: str
    position: int
    standing: Standing


async def put_minutes(conn: Connection, some: Sequence[CountedMinute]) -> None:
    """Write minutes, except where newer ones are known; their subscriptions are locked and not deleted."""
    await conn.execute(
        _PUT_MINUTES,
        [one.subscription_id for one in some],
        [one.minute % _SLOTS for one in some],
        [one.minute for one in some],
        [one.position for one in some],
        [one.tally.successes for one in some],
        [one.tally.latencies for one in some],
    )


async def put_standings(conn: Connection, some: Sequence[CountedStanding]) -> set[str]:
    """Write how endpoints stand; answers the ids of those of which nothing newer is known.

    Their subscriptions are locked and not deleted.
    """
    rows = await conn.fetch(
        _PUT_STANDINGS,
        [one.subscription_id for one in some],
        [one.position for one in some],
        [one.standing.active_since for one in some],
        [one.standing.failing_since for one in some],
        [one.standing.failures for one in some],
        [one.standing.last_success_at for one in some],
        [one.standing.last_attempt_at for one in some],
    )
    return {row["subscription_id"] for row in rows}


async def minutes(conn: Connection, subscription_id: str) -> dict[int, Tally]:
    """Read an endpoint's minutes, those of an hour and some older ones."""
    rows = await conn.fetch(_MINUTES, subscription_id)
    return {
        row["minute"]: Tally(row["successes"], {int(bucket): count for bucket, count in row["latencies"].items()})
        for row in rows
    }


async def standing(conn: Connection, subscription_id: str) -> Standing | None:
    """Read how an endpoint stands; None if no attempt was counted."""
    row = await conn.fetchrow(_STANDING, subscription_id)
    return None if row is None else Standing(**row)


async def forget(conn: Connection, subscription_id: str) -> None:
    """Remove all that is known of an endpoint."""
    await conn.execute(_FORGET, subscription_id)
