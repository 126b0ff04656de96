"""Outcomes of attempts: one statement settles a batch of deliveries and appends their attempts.

Invariant: a row changes only while it is leased as the outcome says, so a worker that lost its lease changes nothing,
and no attempt is written without its delivery.
"""

from collections.abc import Sequence

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import DeliveryState, Outcome
from webhook_dispatcher.domain.exchange import Answer, Failure

_SETTLE = """
WITH given AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::timestamptz[], $8::int[],
        $9::smallint[], $10::jsonb[], $11::bytea[], $12::text[], $13::text[]
    ) AS given (
        id, lease, state, reason, due_at, number, started_at, latency_ms, status, headers, body, error, detail
    )
), settled AS (
    UPDATE deliveries SET
        state = given.state,
        reason = given.reason,
        attempts = coalesce(given.number, deliveries.attempts),
        retrying = given.state = 'pending',
        due_at = coalesce(given.due_at, deliveries.due_at),
        leased_by = NULL,
        settled_at = CASE WHEN given.state = 'pending' THEN NULL ELSE now() END
    FROM given
    -- Only a pending delivery is leased; to say so again leads the planner to walk the index of all that is pending.
    WHERE deliveries.id = given.id AND deliveries.leased_by = given.lease
    RETURNING deliveries.id
)
INSERT INTO attempts (delivery_id, number, started_at, latency_ms, status, headers, body, error, detail)
SELECT id, number, started_at, latency_ms, status, headers, body, error, detail
FROM given JOIN settled USING (id)
WHERE number IS NOT NULL
ON CONFLICT (delivery_id, number) DO NOTHING
"""


async def settle(conn: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of some deliveries, where the worker still holds them."""
    attempts = [one.attempt for one in outcomes]
    answers = [one.exchange if one and isinstance(one.exchange, Answer) else None for one in attempts]
    failures = [one.exchange if one and isinstance(one.exchange, Failure) else None for one in attempts]
    await conn.execute(
        _SETTLE,
        [one.job.id for one in outcomes],
        [one.job.lease for one in outcomes],
        [one.state for one in outcomes],
        [one.reason for one in outcomes],
        [one.due if one.state is DeliveryState.PENDING else None for one in outcomes],
        [one and one.number for one in attempts],
        [one and one.started_at for one in attempts],
        [one and one.latency_ms for one in attempts],
        [one and one.status for one in answers],
        [one and one.headers for one in answers],
        [one and one.body for one in answers],
        [one and one.kind for one in failures],
        [one and one.detail for one in failures],
    )
