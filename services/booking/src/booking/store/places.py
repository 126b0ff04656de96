"""What decides about a booking, read in one statement.

Invariant: what belongs to another organization is not found.
"""

import asyncpg

from booking.domain.place import Appointment, LocationPlace, Place, SchedulePlace, TablePlace
from booking.domain.times import EARLIEST, LATEST, Span, epoch_seconds
from chassis.postgres import Connection

_IS_TAKEN = """EXISTS (
    SELECT FROM occupancy o
    WHERE o.during && slot(r.resource_no, wanted.starts, wanted.ends) AND o.booking_id IS DISTINCT FROM $5
)"""

# A span that its buffers carry out of the bounds of occupancy is looked up within them; the rules refuse it later.
_READ = f"""
SELECT
    s.id AS schedule_id,
    s.timezone AS schedule_timezone,
    s.weekly_hours,
    s.auto_confirm AS schedule_auto_confirm,
    lanes.numbers AS lanes,
    l.id AS location_id,
    l.timezone AS location_timezone,
    l.auto_confirm AS location_auto_confirm,
    seats.tables,
    e.id AS event_type_id,
    e.schedule_id AS event_type_schedule_id,
    e.requires_confirmation,
    e.duration_minutes,
    e.buffer_before_minutes,
    e.buffer_after_minutes,
    lanes.taken || seats.taken AS taken,
    ARRAY(SELECT o.resource_no FROM occupancy o WHERE o.booking_id = $5) AS held
FROM (SELECT $1::text AS org_id) AS asked
LEFT JOIN schedules s ON s.id = $2 AND s.org_id = asked.org_id
LEFT JOIN locations l ON l.id = $3 AND l.org_id = asked.org_id
LEFT JOIN event_types e ON e.id = $4 AND e.org_id = asked.org_id
CROSS JOIN LATERAL (
    SELECT
        greatest($6::bigint - 60 * coalesce(e.buffer_before_minutes, 0), $8::bigint) AS starts,
        least($7::bigint + 60 * coalesce(e.buffer_after_minutes, 0), $9::bigint) AS ends
) AS wanted
CROSS JOIN LATERAL (
    SELECT
        array_agg(r.resource_no ORDER BY r.lane) AS numbers,
        array_agg(r.resource_no) FILTER (WHERE {_IS_TAKEN}) AS taken
    FROM resources r
    WHERE r.owner_id = s.id AND r.lane <= s.capacity
) AS lanes
CROSS JOIN LATERAL (
    SELECT
        jsonb_agg(jsonb_build_array(t.id, r.resource_no, t.min_party, t.max_party) ORDER BY t.max_party, t.id)
            AS tables,
        array_agg(r.resource_no) FILTER (WHERE {_IS_TAKEN}) AS taken
    FROM tables t JOIN resources r ON r.owner_id = t.id
    WHERE t.location_id = l.id
) AS seats
"""


async def read(
    conn: Connection,
    org_id: str,
    span: Span,
    *,
    schedule_id: str | None,
    location_id: str | None,
    event_type_id: str | None = None,
    booking_id: str | None = None,
) -> Place:
    """Read what there is of the named schedule, location and event type, and what of it is taken.

    Args:
        conn: where to read.
        org_id: whose.
        span: the time to look at; it is widened by the event type's buffers.
        schedule_id: the schedule that is named.
        location_id: the location that is named.
        event_type_id: the event type that is named.
        booking_id: a booking that is in nobody's way: the one that moves.
    """
    times = (epoch_seconds(instant) for instant in (span.start, span.end, EARLIEST, LATEST))
    row = await conn.fetchrow(_READ, org_id, schedule_id, location_id, event_type_id, booking_id, *times)
    if row is None:
        raise AssertionError("a left join from one row answers one row")
    return Place(
        _schedule(row), _location(row), _appointment(row), frozenset(row["taken"] or ()), frozenset(row["held"])
    )


def _schedule(row: asyncpg.Record) -> SchedulePlace | None:
    if row["schedule_id"] is None:
        return None
    return SchedulePlace(
        row["schedule_id"],
        row["schedule_timezone"],
        row["weekly_hours"],
        row["schedule_auto_confirm"],
        tuple(row["lanes"] or ()),
    )


def _location(row: asyncpg.Record) -> LocationPlace | None:
    if row["location_id"] is None:
        return None
    tables = tuple(TablePlace(*table) for table in row["tables"] or ())
    return LocationPlace(row["location_id"], row["location_timezone"], row["location_auto_confirm"], tables)


def _appointment(row: asyncpg.Record) -> Appointment | None:
    if row["event_type_id"] is None:
        return None
    return Appointment(
        row["event_type_id"],
        row["event_type_schedule_id"],
        row["requires_confirmation"],
        row["duration_minutes"],
        row["buffer_before_minutes"],
        row["buffer_after_minutes"],
    )
