"""Events that are kept, and the trace that every consumed record leaves.

Invariant: what a partition's records left no trace of is a gap.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from chassis.postgres import Connection
from webhook_dispatcher.domain.arrival import Arrival, Place, runs

# Where a partition's records end is moved by the one consumer that reads it, and never back: one that was paused still
# writes after another has taken over. Records that are read again lie before that end, and may close a gap, which they
# enter from below.
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
_MARKS = """
SELECT topic, partition, next
FROM consumed JOIN unnest($1::text[], $2::int[]) AS wanted (topic, partition) USING (topic, partition)
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


async def note(conn: Connection, places: Sequence[Place]) -> None:
    """Note that records have left a trace elsewhere."""
    await conn.execute(_NOTE, *run_columns(places))


async def marks(conn: Connection, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Tell the offsets behind the last records of partitions, named by topic and number, that left a trace."""
    rows = await conn.fetch(_MARKS, [topic for topic, _ in partitions], [number for _, number in partitions])
    return {(row["topic"], row["partition"]): row["next"] for row in rows}


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
        *columns(arrivals),
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


def columns(arrivals: Collection[Arrival]) -> tuple[list[object], ...]:
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


def run_columns(places: Iterable[Place]) -> tuple[list[object], ...]:
    """Lay out places joined to runs: topic, partition, first, next."""
    read = runs(places)
    return (
        [one.topic for one in read],
        [one.partition for one in read],
        [one.first for one in read],
        [one.next for one in read],
    )
