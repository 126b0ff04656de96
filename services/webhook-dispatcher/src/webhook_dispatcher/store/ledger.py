"""What the ledger counts.

Invariants: a day's deliveries are counted by one statement, and a resource's numbers some at a time, so that none takes
long, however much is kept. All of an answer sees one state of the database: an event with all of its deliveries, or not
at all.
"""

import functools
from collections import Counter
from datetime import UTC, date, datetime, timedelta

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import DeliveryState, DiscardReason
from webhook_dispatcher.domain.ids import first_delivery_id, first_event_id
from webhook_dispatcher.domain.ledger import DayAccount, Ledger, Span, whole_runs
from webhook_dispatcher.store.days import DAYS, DELIVERIES, EVENTS, history, least_event_id

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_EVENTS = 50_000  # are looked at at once for numbers that are left out
# Before the first look at the tables, which it does not make wait; none of their days can be dropped then.
_KEEP_DAYS = "LOCK TABLE ONLY events, ONLY deliveries IN ACCESS SHARE MODE"
# A replay gives an event deliveries beyond those that it was matched with as it came: these are accepted too.
_OF_ORGANIZATION = """
WITH taken AS (
    SELECT event_id, matched FROM {events} WHERE org_id = $1 AND event_id >= $2 AND event_id < $3
), made AS (
    SELECT event_id, state, reason, count(*) AS number FROM {deliveries}
    WHERE subscription_id = ANY (ARRAY(SELECT id FROM subscriptions WHERE org_id = $1)) AND id >= $4 AND id < $5
    GROUP BY event_id, state, reason
), each AS (
    SELECT matched, number
    FROM taken FULL JOIN (SELECT event_id, sum(number) AS number FROM made GROUP BY event_id) AS of_event
        USING (event_id)
)
SELECT state AS what, reason, sum(number)::bigint AS number FROM made GROUP BY 1, 2
UNION ALL SELECT 'accepted', NULL, coalesce(sum(greatest(matched, number)), 0)::bigint FROM each
UNION ALL SELECT 'missing', NULL, coalesce(sum(greatest(matched - coalesce(number, 0), 0)), 0)::bigint FROM each
UNION ALL SELECT 'orphaned', NULL, count(*) FROM each WHERE matched IS NULL
"""
# It begins with the last one that was looked at before, so that what is left out behind that one is seen.
_SKIPPED = """
WITH next AS (
    SELECT resource_id, sequence FROM events
    WHERE org_id = $1 AND event_id >= $2 AND event_id < $3 AND (resource_id, sequence) >= ($4, $5)
    ORDER BY resource_id, sequence LIMIT $6
), stepped AS (
    SELECT
        resource_id, sequence, row_number() OVER (ORDER BY resource_id, sequence) AS place,
        sequence - lag(sequence) OVER (PARTITION BY resource_id ORDER BY sequence) - 1 AS skipped
    FROM next
)
SELECT
    resource_id, sequence, place,
    (SELECT sum(greatest(skipped, 0))::bigint FROM stepped) AS skipped
FROM stepped ORDER BY place DESC LIMIT 1
"""
_OF_DAY = """
SELECT
    greatest(coalesce(sum(events), 0) - (SELECT count(*) FROM {events}), 0)::bigint AS events,
    greatest(coalesce(sum(deliveries), 0) - (SELECT count(*) FROM {deliveries}), 0)::bigint AS deliveries,
    CASE WHEN EXISTS (SELECT FROM restored_days WHERE day = $1) THEN 0 ELSE (
        SELECT coalesce(sum(skipped), 0)::bigint FROM (
            SELECT max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) AS skipped
            FROM {events} GROUP BY resource_id
        ) AS resources
    ) END AS skipped
FROM tallies WHERE day = $1
"""
_PASSED_OVER = "SELECT coalesce(sum(next - first), 0)::bigint FROM gaps"


async def of_organization(conn: Connection, org_id: str, span: Span) -> Ledger:
    """Count an organization's events of a range of time, and what became of them; in a snapshot that it begins."""
    await conn.execute(_KEEP_DAYS)
    since, until = span.since or _FIRST, span.until or _LAST
    bounds = [first_id(at) for first_id in (first_event_id, first_delivery_id) for at in (since, until)]
    days = await DAYS.days(conn)
    counts: Counter[tuple[str, str | None]] = Counter()
    for day in days:
        if bounds[0] < least_event_id(day + _DAY) and least_event_id(day) < bounds[1]:
            for row in await conn.fetch(_of(_OF_ORGANIZATION, day), org_id, *bounds):
                counts[row["what"], row["reason"]] += row["number"]
    return Ledger(
        accepted=counts["accepted", None],
        delivered=counts[DeliveryState.DELIVERED, None],
        exhausted=counts[DeliveryState.EXHAUSTED, None],
        discarded={reason: counts[DeliveryState.DISCARDED, reason] for reason in DiscardReason},
        in_flight=counts[DeliveryState.PENDING, None],
        missing=counts["missing", None],
        orphaned=counts["orphaned", None],
        skipped=await _skipped(conn, org_id, days, *bounds[:2]),
    )


async def _skipped(conn: Connection, org_id: str, days: list[date], first: str, end: str) -> int:
    """Count the numbers that are left out among an organization's events of a range, by resource."""
    known = await history(conn)
    skipped = 0
    for run in whole_runs(days, known.restored, known.dropped_until):
        bounds = max(first, least_event_id(run[0])), min(end, least_event_id(run[-1] + _DAY))
        behind, place = ("", 0), _EVENTS
        while place == _EVENTS and bounds[0] < bounds[1]:
            row = await conn.fetchrow(_SKIPPED, org_id, *bounds, *behind, _EVENTS)
            if row is None:
                break
            behind, place = (row["resource_id"], row["sequence"]), row["place"]
            skipped += row["skipped"]
    return skipped


async def of_day(conn: Connection, day: date) -> DayAccount:
    """Compare what was counted as it came with what is there, of a day that has partitions."""
    (row,) = await conn.fetch(_of(_OF_DAY, day), day)
    return DayAccount(**row)


async def passed_over(conn: Connection) -> int:
    """Count the records that left no trace."""
    number: int = await conn.fetchval(_PASSED_OVER)
    return number


@functools.lru_cache(maxsize=256)
def _of(statement: str, day: date) -> str:
    return statement.format(events=EVENTS.of(day), deliveries=DELIVERIES.of(day))
