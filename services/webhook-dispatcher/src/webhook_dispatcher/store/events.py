"""Events that were taken in, and the trace that every consumed record leaves.

Invariants: an event is claimed once, in the transaction of its deliveries, and counted in the same; what a partition's
records left no trace of is a gap.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place, Run, each_once, runs
from webhook_dispatcher.domain.delivery import Birth
from webhook_dispatcher.store.deliveries import SETTLED_AT_BIRTH, STATE_AT_BIRTH

# A partition is read by one consumer, so where its records end is nobody else's to move. Records that are read again
# lie before that, and may close a gap, which they enter from below.
_NOTE = """
WITH read AS (
    SELECT *, lag(next) OVER (PARTITION BY topic, partition ORDER BY first) AS before
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS read (topic, partition, first, next)
), passed AS (
    INSERT INTO gaps (topic, partition, first, next)
    SELECT topic, partition, greatest(consumed.next, before), read.first
    FROM read LEFT JOIN consumed USING (topic, partition)
    WHERE read.first > greatest(consumed.next, before)
    ON CONFLICT DO NOTHING
), closed AS (
    UPDATE gaps SET first = least(gaps.next, read.next)
    FROM read
    WHERE gaps.topic = read.topic AND gaps.partition = read.partition
        AND gaps.first >= read.first AND gaps.first < least(gaps.next, read.next)
)
INSERT INTO consumed (topic, partition, next)
SELECT topic, partition, max(next) FROM read GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (topic, partition) DO UPDATE SET next = greatest(consumed.next, excluded.next)
"""
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
    RETURNING event_id, org_id, type, topic, partition, matched
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
# The ends are locked before they are compared, so that either all of this is done or nothing.
_TAKE_IN = f"""
WITH ready AS MATERIALIZED (
    SELECT count(*) = cardinality($1::text[]) AND (SELECT version FROM directory) = $16 AS yes
    FROM (
        SELECT FROM consumed JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS read (topic, partition, first)
            ON consumed.topic = read.topic AND consumed.partition = read.partition AND consumed.next = read.first
        FOR NO KEY UPDATE OF consumed
    ) AS held
), {_CLAIMING.format(may="(SELECT yes FROM ready)")}, born AS (
    INSERT INTO deliveries (
        id, event_id, subscription_id, org_id, event_type, leased_by, reason, state, settled_at, due_at
    )
    SELECT
        id, event_id, subscription_id, org_id, type, leased_by, reason, {STATE_AT_BIRTH}, {SETTLED_AT_BIRTH}, $22
    FROM fresh JOIN unnest($17::text[], $18::text[], $19::text[], $20::text[], $21::text[])
        AS birth (id, event_id, subscription_id, leased_by, reason) USING (event_id)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT id FROM born UNION ALL SELECT NULL FROM ready WHERE yes
"""
_RESTORE = """
WITH restored AS (
    INSERT INTO events (event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched)
    SELECT event_id, org_id, type, resource_id, sequence, topic, partition, position, record, 0
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[], $8::bigint[], $9::bytea[]
    ) AS given (event_id, org_id, type, resource_id, sequence, topic, partition, position, record)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, topic, partition
)
INSERT INTO tallies (day, topic, partition, events, deliveries)
SELECT day, topic, partition, count(*), 0
FROM restored JOIN unnest($1::text[], $10::date[]) AS given (event_id, day) USING (event_id)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (day, topic, partition) DO UPDATE SET events = tallies.events + excluded.events
"""
_MATCH = """
WITH matching AS (
    UPDATE events SET matched = matched + 1
    FROM unnest($1::text[], $2::date[]) AS given (id, day)
    WHERE event_id = id AND event_id BETWEEN $3 AND $4 -- the days beyond are not even opened
    RETURNING day, topic, partition
)
INSERT INTO tallies (day, topic, partition, events, deliveries)
SELECT day, topic, partition, 0, count(*) FROM matching GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (day, topic, partition) DO UPDATE SET deliveries = tallies.deliveries + excluded.deliveries
"""
_FORGET_DAY = "DELETE FROM tallies WHERE day = $1"
_FORGET_GAPS = "DELETE FROM gaps WHERE found_at < $1"


async def claim(conn: Connection, arrivals: Sequence[Arrival], matched: Mapping[str, int]) -> list[Arrival]:
    """Write events and answer those that were not there, in their order, each once.

    Args:
        conn: inside the transaction of their deliveries; their days have partitions.
        arrivals: the events.
        matched: with how many subscriptions each was matched, by its id.
    """
    new = each_once(arrivals)
    read = runs(one.place for one in arrivals)
    rows = await conn.fetch(_CLAIM, *_columns(read), *_claimed(new, matched))
    told = [row[0] for row in rows]
    if told.count(None) < len(read):
        await conn.execute(_NOTE, *_columns(read))
    fresh = set(told)
    return [one for one in new if one.event_id in fresh]


async def take_in(
    conn: Connection,
    arrivals: Sequence[Arrival],
    matched: Mapping[str, int],
    births: Sequence[Birth],
    *,
    directory: int,
    now: datetime,
) -> set[str] | None:
    """Write events and their deliveries in one statement, and answer the ids of those deliveries that were not there.

    Args:
        conn: outside any transaction; the events' days have partitions.
        arrivals: the events.
        matched: with how many subscriptions each was matched, by its id.
        births: the deliveries, of which none is kept in its resource's order.
        directory: the version of the subscriptions that they were matched with.
        now: since when the deliveries are due.

    Returns:
        None if nothing was done: the subscriptions have changed, or the records do not begin where others ended.
    """
    rows = await conn.fetch(
        _TAKE_IN,
        *_columns(runs(one.place for one in arrivals)),
        *_claimed(each_once(arrivals), matched),
        directory,
        [one.id for one in births],
        [one.event_id for one in births],
        [one.subscription_id for one in births],
        [one.lease for one in births],
        [one.reason for one in births],
        now,
    )
    told = {row[0] for row in rows}
    return told - {None} if None in told else None


async def note(conn: Connection, places: Sequence[Place]) -> None:
    """Note that records have left a trace elsewhere."""
    await conn.execute(_NOTE, *_columns(runs(places)))


async def restore(conn: Connection, arrivals: Sequence[Arrival]) -> None:
    """Write events that were taken in once and are not kept any more, as matched with nothing.

    Args:
        conn: inside the transaction of what is done with them; their days have partitions.
        arrivals: the events, each once; those that are here stay as they are.
    """
    if not arrivals:
        return
    await conn.execute(
        _RESTORE,
        *_rows(arrivals),
        [one.day for one in arrivals],
    )


async def match(conn: Connection, arrivals: Sequence[Arrival]) -> None:
    """Count one more subscription for each of some events, in the transaction of its delivery."""
    if arrivals:
        ids = [one.event_id for one in arrivals]
        await conn.execute(_MATCH, ids, [one.day for one in arrivals], min(ids), max(ids))


async def forget_day(conn: Connection, day: date) -> None:
    """Forget what was counted of a day, in the transaction that drops it."""
    await conn.execute(_FORGET_DAY, day)


async def forget_gaps(conn: Connection, before: datetime) -> None:
    """Forget gaps that were found before an instant."""
    await conn.execute(_FORGET_GAPS, before)


def _claimed(arrivals: Collection[Arrival], matched: Mapping[str, int]) -> tuple[list[object], ...]:
    """Lay out events' rows, with how many subscriptions each was matched with, and its day."""
    return (*_rows(arrivals), [matched[one.event_id] for one in arrivals], [one.day for one in arrivals])


def _rows(arrivals: Collection[Arrival]) -> tuple[list[object], ...]:
    """Lay out what stands in an event's row, from its id to its record."""
    return (
        [one.event_id for one in arrivals],
        [one.org_id for one in arrivals],
        [one.type for one in arrivals],
        [one.resource_id for one in arrivals],
        [one.sequence for one in arrivals],
        [one.place.topic for one in arrivals],
        [one.place.partition for one in arrivals],
        [one.place.position for one in arrivals],
        [one.record for one in arrivals],
    )


def _columns(read: Sequence[Run]) -> tuple[list[object], ...]:
    """Lay out topic, partition, first, next."""
    return (
        [one.topic for one in read],
        [one.partition for one in read],
        [one.first for one in read],
        [one.next for one in read],
    )
