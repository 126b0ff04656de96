"""Many deliveries that have been due for a while, made by the database itself.

Every event is for the same number of subscriptions of one organization, and the organizations take turns. Invariant:
rows are as the ingest writes them for a worker whose memory is full, but that their ids are counted and not derived.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.events import events
from slotwire_contracts import BOOKING_EVENTS, encode

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[Any]

_EVENTS = """
INSERT INTO events (event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched)
SELECT
    event_id, org_id, $1, resource_id, 1, $2, i % 12, -i,
    convert_to(replace(replace(replace($3, $4, event_id), $5, resource_id), $6, org_id), 'UTF8'),
    $7
FROM generate_series(1, $8::bigint) AS i
CROSS JOIN LATERAL (
    SELECT
        left($4, 14) || lpad(i::text, 16, '0') AS event_id,
        left($5, 13) || lpad(i::text, 16, '0') AS resource_id,
        ($9::text[])[1 + i % cardinality($9::text[])] AS org_id
) AS made
"""
_DELIVERIES = """
INSERT INTO deliveries (id, event_id, subscription_id, org_id, event_type, due_at)
SELECT
    'dlv_' || substr(event_id, 5, 10) || lpad((right(event_id, 16)::bigint * $2 + place)::text, 16, '0'),
    event_id,
    subscription_id,
    org_id,
    type,
    now() - interval '1 hour' + right(event_id, 16)::bigint * interval '1 millisecond'
FROM events
JOIN (
    SELECT org_id, subscription_id, row_number() OVER (PARTITION BY org_id ORDER BY subscription_id) - 1 AS place
    FROM unnest($1::text[], $3::text[]) AS given (org_id, subscription_id)
) AS wanting USING (org_id)
"""


async def forget_all(conn: "Connection") -> None:
    """Empty the tables, while no dispatcher runs."""
    await conn.execute("TRUNCATE deliveries, attempts, events, tallies")


async def fill(conn: "Connection", deliveries: int, subscriptions: Mapping[str, Sequence[str]]) -> None:
    """Make deliveries, and no others: whatever is in the tables goes.

    Args:
        conn: where to write.
        deliveries: how many; a multiple of what one event has.
        subscriptions: those of each organization, as many of each.
    """
    each = len(next(iter(subscriptions.values())))
    pairs = [(org_id, one) for org_id, some in subscriptions.items() for one in some]
    (model,) = events(1, list(subscriptions))
    await forget_all(conn)
    await conn.execute(
        _EVENTS,
        model.type,
        BOOKING_EVENTS.name,
        encode(model).decode(),
        model.id,
        model.subject,
        model.orgid,
        each,
        deliveries // each,
        list(subscriptions),
    )
    await conn.execute(_DELIVERIES, [org_id for org_id, _ in pairs], each, [one for _, one in pairs])
