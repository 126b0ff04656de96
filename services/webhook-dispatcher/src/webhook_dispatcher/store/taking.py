"""New events into their table, beside the trace of their records.

Invariant: an event is claimed once, in the transaction of its deliveries, and counted in the same; whichever way it is
taken in, the same is written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.store import deliveries, events

# Records mostly begin where those before them end; then nothing but the end has to be moved.
_CLAIMING = """
followed AS (
    UPDATE consumed SET next = read.next
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS read (topic, partition, first, next)
    WHERE consumed.topic = read.topic AND consumed.partition = read.partition AND consumed.next = read.first AND {may}
    RETURNING true
), fresh AS (
    INSERT INTO events (
        event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched
    )
    SELECT event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched
    FROM unnest(
        $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::text[], $11::int[], $12::bigint[], $13::bytea[],
        $14::int[]
    ) AS given (event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched)
    WHERE {may}
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, topic, partition, matched
), counted AS (
    INSERT INTO tallies (day, topic, partition, events, deliveries)
    SELECT day, topic, partition, count(*), sum(matched)
    FROM fresh JOIN unnest($5::text[], $15::date[]) AS given (event_id, day) USING (event_id)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (day, topic, partition) DO UPDATE
    SET events = tallies.events + excluded.events, deliveries = tallies.deliveries + excluded.deliveries
)
"""
_CLAIM = f"""
WITH {_CLAIMING.format(may="true")}
SELECT event_id FROM fresh UNION ALL SELECT NULL FROM followed
"""
# A member of the group that was paused still writes after others have taken its partitions over. So the ends are
# locked before they are compared: either all of this is done or, where somebody has moved one meanwhile, nothing.
_TAKE_IN = f"""
WITH ready AS MATERIALIZED (
    SELECT count(*) = cardinality($1::text[]) AND (SELECT version FROM directory) = $16 AS yes
    FROM (
        SELECT FROM consumed JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS read (topic, partition, first)
            ON consumed.topic = read.topic AND consumed.partition = read.partition AND consumed.next = read.first
        FOR NO KEY UPDATE OF consumed
    ) AS held
), {_CLAIMING.format(may="(SELECT yes FROM ready)")}, born AS (
    {deliveries.insertion(17, "event_id IN (SELECT event_id FROM fresh)")}
)
SELECT id FROM born UNION ALL SELECT NULL FROM ready WHERE yes
"""


async def claim(
    conn: Connection, new: Sequence[Arrival], places: Sequence[Place], matched: Mapping[str, int]
) -> list[Arrival]:
    """Write events and answer those that were not there, in their order.

    Args:
        conn: inside the transaction of their deliveries; their days have partitions.
        new: the events, each once.
        places: where all of their records stand, those too that came again.
        matched: with how many subscriptions each was matched, by its id.
    """
    read = events.run_columns(places)
    rows = await conn.fetch(_CLAIM, *read, *_columns(new, matched))
    told = [row[0] for row in rows]
    if told.count(None) < len(read[0]):
        await events.note(conn, places)
    fresh = set(told)
    return [one for one in new if one.event_id in fresh]


async def take_in(
    conn: Connection,
    new: Sequence[Arrival],
    places: Sequence[Place],
    matched: Mapping[str, int],
    births: Sequence[Birth],
    *,
    version: int,
    now: datetime,
) -> set[str] | None:
    """Write events with their deliveries in one statement, and answer the ids of the deliveries that were not there.

    Args:
        conn: outside any transaction; the events' days have partitions.
        new: the events, each once.
        places: where all of their records stand, those too that came again.
        matched: with how many subscriptions each was matched, by its id.
        births: the deliveries, of which none is kept in its resource's order.
        version: the one of the directory that they were matched by.
        now: since when the deliveries are due.

    Returns:
        None if nothing was done: the subscriptions have changed, or the records do not begin where others ended.
    """
    rows = await conn.fetch(
        _TAKE_IN,
        *events.run_columns(places),
        *_columns(new, matched),
        version,
        *deliveries.columns(births, now),
    )
    told = {row[0] for row in rows}
    return told - {None} if None in told else None


def _columns(new: Sequence[Arrival], matched: Mapping[str, int]) -> tuple[list[object], ...]:
    """Lay out events' rows, with how many subscriptions each was matched with, and its day."""
    return (*events.columns(new), [matched[one.event_id] for one in new], [one.day for one in new])
