"""Outcomes of attempts: one statement settles a batch of deliveries and appends their attempts.

Invariant: a row changes only while it is leased as the outcome says, in the same round and before the same attempt: so
a worker that lost its lease changes nothing, an outcome that is written twice (where the first answer was lost) undoes
nothing that was begun in between, and no attempt is written without its delivery.
"""

from collections.abc import Sequence

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import Attempt, DeliveryState, Outcome
from webhook_dispatcher.domain.reading import AttemptRecord

_SETTLE = """
WITH given AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::timestamptz[], $8::int[],
        $9::smallint[], $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::int[]
    ) AS given (
        id, lease, state, reason, due_at, number, started_at, latency_ms, status, headers, body, error, detail, round
    )
), settled AS (
    UPDATE deliveries SET
        state = given.state,
        reason = given.reason,
        attempts = coalesce(given.number, deliveries.attempts),
        -- As `Job.is_again` has it: what is put back untried waits for the lane that it came from.
        retrying = given.state = 'pending'
            AND (coalesce(given.number, deliveries.attempts) > 0 OR deliveries.round > 0),
        due_at = coalesce(given.due_at, deliveries.due_at),
        leased_by = NULL,
        settled_at = CASE WHEN given.state = 'pending' THEN NULL ELSE now() END
    FROM given
    -- Only a pending delivery is leased; to say so again leads the planner to walk the index of all that is pending.
    WHERE deliveries.id = given.id AND deliveries.leased_by = given.lease AND deliveries.round = given.round
        AND deliveries.attempts = coalesce(given.number - 1, deliveries.attempts)
        AND deliveries.id BETWEEN $15 AND $16 -- the days beyond are not even opened
    RETURNING given.* -- of a delivery that another outcome tells of, under a lease that was lost, this one alone
)
INSERT INTO attempts (delivery_id, number, started_at, latency_ms, status, headers, body, error, detail)
SELECT id, number, started_at, latency_ms, status, headers, body, error, detail
FROM settled
WHERE number IS NOT NULL
ON CONFLICT (delivery_id, number) DO NOTHING
"""
_NONE = (None,) * len(AttemptRecord._fields)


async def settle(conn: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of some deliveries, where the worker still holds them."""
    rows = [(*_delivery(one), *_attempt(one.attempt), one.job.round) for one in outcomes]
    ids = [one.job.id for one in outcomes]
    await conn.execute(_SETTLE, *map(list, zip(*rows, strict=True)), min(ids), max(ids))


def _delivery(one: Outcome) -> tuple[object, ...]:
    """Lay out id, lease, state, reason, due_at."""
    return one.job.id, one.job.lease, one.state, one.reason, one.due if one.state is DeliveryState.PENDING else None


def _attempt(one: Attempt | None) -> tuple[object, ...]:
    """Lay out number, started_at, latency_ms, status, headers, body, error, detail."""
    return _NONE if one is None else AttemptRecord.of(one.number, one.started_at, one.latency_ms, one.exchange)
