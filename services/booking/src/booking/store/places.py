"""What decides about a booking, read in one statement.

Invariant: what belongs to another organization is not found.
"""

import asyncpg

from booking.domain.place import Appointment, LocationPlace, Place, SchedulePlace, TablePlace
from chassis.postgres import Connection

_READ = """
SELECT
    s.id AS schedule_id,
    s.timezone AS schedule_timezone,
    s.weekly_hours,
    s.auto_confirm AS schedule_auto_confirm,
    ARRAY(
        SELECT r.resource_no FROM resources r WHERE r.owner_id = s.id AND r.lane <= s.capacity ORDER BY r.lane
    ) AS lanes,
    l.id AS location_id,
    l.timezone AS location_timezone,
    l.auto_confirm AS location_auto_confirm,
    (
        SELECT jsonb_agg(jsonb_build_array(t.id, r.resource_no, t.min_party, t.max_party) ORDER BY t.max_party, t.id)
        FROM tables t JOIN resources r ON r.owner_id = t.id
        WHERE t.location_id = l.id
    ) AS tables,
    e.id AS event_type_id,
    e.schedule_id AS event_type_schedule_id,
    e.requires_confirmation,
    e.buffer_before_minutes,
    e.buffer_after_minutes
FROM (SELECT $1::text AS org_id) AS asked
LEFT JOIN schedules s ON s.id = $2 AND s.org_id = asked.org_id
LEFT JOIN locations l ON l.id = $3 AND l.org_id = asked.org_id
LEFT JOIN event_types e ON e.id = $4 AND e.org_id = asked.org_id
"""


async def read(
    conn: Connection, org_id: str, *, schedule_id: str | None, location_id: str | None, event_type_id: str | None
) -> Place:
    """Read what there is of the named schedule, location and event type."""
    row = await conn.fetchrow(_READ, org_id, schedule_id, location_id, event_type_id)
    if row is None:
        raise AssertionError("a left join from one row answers one row")
    return Place(_schedule(row), _location(row), _appointment(row))


def _schedule(row: asyncpg.Record) -> SchedulePlace | None:
    if row["schedule_id"] is None:
        return None
    return SchedulePlace(
        row["schedule_id"],
        row["schedule_timezone"],
        row["weekly_hours"],
        row["schedule_auto_confirm"],
        tuple(row["lanes"]),
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
        row["buffer_before_minutes"],
        row["buffer_after_minutes"],
    )
