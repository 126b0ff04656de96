"""What the ledger counts.

Invariant: each answer is one statement, so it sees an event with all of its deliveries or not at all.
"""

from datetime import UTC, date, datetime

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import DeliveryState, DiscardReason
from webhook_dispatcher.domain.ids import first_delivery_id, first_event_id
from webhook_dispatcher.domain.ledger import DayAccount, Ledger, Span
from webhook_dispatcher.store.days import DELIVERIES, EVENTS

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
# A replay gives an event deliveries beyond those that it was matched with as it came: these are accepted too.
_OF_ORGANIZATION = """
WITH taken AS (
    SELECT event_id, resource_id, sequence, matched FROM events
    WHERE org_id = $1 AND event_id >= $2 AND event_id < $3
), made AS (
    SELECT event_id, state, reason, count(*) AS number FROM deliveries
    WHERE subscription_id = ANY (ARRAY(SELECT id FROM subscriptions WHERE org_id = $1)) AND id >= $4 AND id < $5
    GROUP BY event_id, state, reason
), each AS (
    SELECT matched, number
    FROM taken FULL JOIN (SELECT event_id, sum(number) AS number FROM made GROUP BY event_id) AS of_event
        USING (event_id)
), resources AS (
    SELECT max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) AS skipped FROM taken GROUP BY resource_id
)
SELECT state AS what, reason, sum(number)::bigint AS number FROM made GROUP BY 1, 2
UNION ALL SELECT 'accepted', NULL, coalesce(sum(greatest(matched, number)), 0)::bigint FROM each
UNION ALL SELECT 'missing', NULL, coalesce(sum(greatest(matched - coalesce(number, 0), 0)), 0)::bigint FROM each
UNION ALL SELECT 'orphaned', NULL, count(*) FROM each WHERE matched IS NULL
UNION ALL SELECT 'skipped', NULL, coalesce(sum(skipped), 0)::bigint FROM resources
"""
_OF_DAY = """
SELECT
    greatest(coalesce(sum(events), 0) - (SELECT count(*) FROM {events}), 0)::bigint AS events,
    greatest(coalesce(sum(deliveries), 0) - (SELECT count(*) FROM {deliveries}), 0)::bigint AS deliveries,
    (
        SELECT coalesce(sum(skipped), 0)::bigint FROM (
            SELECT max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) AS skipped
            FROM {events} GROUP BY resource_id
        ) AS resources
    ) AS skipped
FROM tallies WHERE day = $1
"""
_PASSED_OVER = "SELECT coalesce(sum(next - first), 0)::bigint FROM gaps"


async def of_organization(conn: Connection, org_id: str, span: Span) -> Ledger:
    """Count an organization's events of a range of time, and what became of them."""
    since, until = span.since or _FIRST, span.until or _LAST
    bounds = [first_id(at) for first_id in (first_event_id, first_delivery_id) for at in (since, until)]
    counts = {
        (row["what"], row["reason"]): row["number"] for row in await conn.fetch(_OF_ORGANIZATION, org_id, *bounds)
    }
    return Ledger(
        accepted=counts["accepted", None],
        delivered=counts.get((DeliveryState.DELIVERED, None), 0),
        exhausted=counts.get((DeliveryState.EXHAUSTED, None), 0),
        discarded={reason: counts.get((DeliveryState.DISCARDED, reason), 0) for reason in DiscardReason},
        in_flight=counts.get((DeliveryState.PENDING, None), 0),
        missing=counts["missing", None],
        orphaned=counts["orphaned", None],
        skipped=counts["skipped", None],
    )


async def of_day(conn: Connection, day: date) -> DayAccount:
    """Compare what was counted as it came with what is there, of a day that has partitions."""
    statement = _OF_DAY.format(events=EVENTS.of(day), deliveries=DELIVERIES.of(day))
    (row,) = await conn.fetch(statement, day)
    return DayAccount(**row)


async def passed_over(conn: Connection) -> int:
    """Count the records that left no trace."""
    number: int = await conn.fetchval(_PASSED_OVER)
    return number
