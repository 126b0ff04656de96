"""What decides about a booking, read in one statement.

Invariant: what belongs to another organization is not found.
"""

from datetime import datetime
from functools import cache

import asyncpg

from booking.domain.hours import Hours
from booking.domain.place import Appointment, LocationPlace, Place, SchedulePlace, TablePlace
from booking.domain.times import EARLIEST, LATEST, Span, epoch_seconds
from chassis.postgres import Connection

_SCHEDULE = """
    s.id AS schedule_id,
    s.timezone AS schedule_timezone,
    s.weekly_hours AS schedule_weekly_hours,
    s.date_overrides AS schedule_date_overrides,
    s.auto_confirm AS schedule_auto_confirm,
    s.max_bookings_per_day,
    s.max_bookings_per_minute,
    s.one_per_attendee AS schedule_one_per_attendee,
    s.complete_after_minutes AS schedule_complete_after_minutes,
    lanes.numbers AS lanes,
    lanes.taken AS lanes_taken,
    unplaced.count AS unplaced
"""
_LOCATION = """
    l.id AS location_id,
    l.timezone AS location_timezone,
    l.weekly_hours AS location_weekly_hours,
    l.date_overrides AS location_date_overrides,
    l.auto_confirm AS location_auto_confirm,
    l.visit_minutes,
    l.interval_minutes AS location_interval_minutes,
    l.one_per_attendee AS location_one_per_attendee,
    l.complete_after_minutes AS location_complete_after_minutes,
    seats.tables,
    seats.taken AS seats_taken
"""
_EVENT_TYPE = """
    e.id AS event_type_id,
    e.schedule_id AS event_type_schedule_id,
    e.requires_confirmation,
    e.location_type,
    e.duration_minutes,
    e.durations_minutes,
    e.interval_minutes AS event_type_interval_minutes,
    e.minimum_notice_minutes,
    e.horizon_days,
    e.buffer_before_minutes,
    e.buffer_after_minutes
"""
_HELD = """
    ARRAY(
        SELECT o.resource_no FROM occupancy o WHERE o.booking_id = asked.holder_id
        UNION ALL
        SELECT o.resource_no FROM occupancy o WHERE o.hold_id = asked.holder_id
    ) AS held
"""
# All of them are read from here, as a statement leaves out what is not named.
_ASKED = """(
    SELECT
        $1::text AS org_id,
        $2::text AS schedule_id,
        $3::text AS location_id,
        $4::text AS event_type_id,
        $5::text AS holder_id,
        $6::bigint AS starts,
        $7::bigint AS ends,
        $8::bigint AS earliest,
        $9::bigint AS latest,
        $10::timestamptz AS now,
        $11::integer AS buffers
) AS asked"""
_FIND_EVENT_TYPE = """
LEFT JOIN event_types e ON e.id = asked.event_type_id AND e.org_id = asked.org_id AND e.deleted_at IS NULL
"""
# A span that its buffers carry out of the bounds of occupancy is looked up within them; the rules refuse it later.
_WANTED = """
CROSS JOIN LATERAL (
    SELECT
        greatest(asked.starts - 60 * asked.buffers * {before}, asked.earliest) AS starts,
        least(asked.ends + 60 * asked.buffers * {after}, asked.latest) AS ends
) AS wanted
"""
_WITH_BUFFERS = _WANTED.format(
    before="coalesce(e.buffer_before_minutes, 0)", after="coalesce(e.buffer_after_minutes, 0)"
)
_WITHOUT_BUFFERS = _WANTED.format(before="0", after="0")
_FIND_SCHEDULE = """
LEFT JOIN schedules s ON s.id = asked.schedule_id AND s.org_id = asked.org_id AND s.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT
        array_agg(r.resource_no ORDER BY r.lane) AS numbers,
        array_agg(r.resource_no) FILTER (WHERE {is_taken}) AS taken
    FROM resources r
    WHERE r.owner_id = s.id AND r.lane <= s.capacity
) AS lanes
CROSS JOIN LATERAL (
    SELECT count(*)::integer
    FROM bookings u
    WHERE u.schedule_id = s.id AND u.conflict AND u.status <> 'COMPLETED'
    AND u.id IS DISTINCT FROM asked.holder_id
    AND extract(epoch FROM u.start_time) - 60 * u.buffer_before_minutes < wanted.ends
    AND extract(epoch FROM u.end_time) + 60 * u.buffer_after_minutes > wanted.starts
) AS unplaced
"""
_FIND_LOCATION = """
LEFT JOIN locations l ON l.id = asked.location_id AND l.org_id = asked.org_id AND l.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT
        array_agg(
            ROW (t.id, r.resource_no, t.min_party, t.max_party, t.section_id, t.combinable) ORDER BY t.max_party, t.id
        ) AS tables,
        array_agg(r.resource_no) FILTER (WHERE {is_taken}) AS taken
    FROM tables t JOIN resources r ON r.owner_id = t.id
    WHERE t.location_id = l.id AND t.deleted_at IS NULL
) AS seats
"""
# Rows of one resource do not overlap: the first to end after the time begins is the first that can be in its way. That
# of the next resource begins beyond it.
_IS_TAKEN = """coalesce(
    (
        SELECT lower(o.during) < (r.resource_no::bigint << 34) + wanted.ends
        FROM occupancy o
        WHERE upper(o.during) > (r.resource_no::bigint << 34) + wanted.starts
        AND (o.expires_at IS NULL OR o.expires_at > asked.now)
        {by_others}
        ORDER BY upper(o.during) LIMIT 1
    ),
    false
)"""
_BY_OTHERS = "AND coalesce(o.booking_id, o.hold_id) <> asked.holder_id"


@cache
def _reading(*, schedule: bool, location: bool, event_type: bool, holder: bool) -> str:
    """Write the statement that reads what is named, and nothing else: most bookings name little."""
    is_taken = _IS_TAKEN.format(by_others=_BY_OTHERS if holder else "")
    parts = (
        (event_type, _EVENT_TYPE, _FIND_EVENT_TYPE),
        (True, "", _WITH_BUFFERS if event_type else _WITHOUT_BUFFERS),
        (schedule, _SCHEDULE, _FIND_SCHEDULE.format(is_taken=is_taken)),
        (location, _LOCATION, _FIND_LOCATION.format(is_taken=is_taken)),
        (holder, _HELD, ""),
    )
    named = [(columns, tables) for is_named, columns, tables in parts if is_named]
    selected = ",".join(columns for columns, _ in named if columns)
    return f"SELECT {selected} FROM {_ASKED} {''.join(tables for _, tables in named)}"


async def read(
    conn: Connection,
    org_id: str,
    span: Span,
    *,
    now: datetime,
    schedule_id: str | None,
    location_id: str | None,
    event_type_id: str | None = None,
    holder_id: str | None = None,
    widened: bool = True,
) -> Place:
    """Read what there is of the named schedule, location and event type, and what of it is taken.

    Args:
        conn: where to read.
        org_id: whose.
        span: the time to look at.
        now: the current instant; a hold that has expired by it is in nobody's way.
        schedule_id: the schedule that is named.
        location_id: the location that is named.
        event_type_id: the event type that is named.
        holder_id: a booking or hold that is in nobody's way: the one that moves, or that becomes a booking.
        widened: whether the event type's buffers are looked at too, rather than being part of the span.
    """
    times = (epoch_seconds(instant) for instant in (span.start, span.end, EARLIEST, LATEST))
    named = (schedule_id, location_id, event_type_id, holder_id)
    statement = _reading(
        schedule=schedule_id is not None,
        location=location_id is not None,
        event_type=event_type_id is not None,
        holder=holder_id is not None,
    )
    row = await conn.fetchrow(statement, org_id, *named, *times, now, int(widened))
    if row is None:
        raise AssertionError("a left join from one row answers one row")
    return Place(
        schedule=_schedule(row),
        location=_location(row),
        appointment=_appointment(row),
        taken=frozenset([*(row.get("lanes_taken") or ()), *(row.get("seats_taken") or ())]),
        held=frozenset(row.get("held", ())),
        unplaced=row.get("unplaced", 0),
    )


def _schedule(row: asyncpg.Record) -> SchedulePlace | None:
    if row.get("schedule_id") is None:
        return None
    return SchedulePlace(
        schedule_id=row["schedule_id"],
        timezone=row["schedule_timezone"],
        hours=Hours(row["schedule_weekly_hours"], row["schedule_date_overrides"]),
        auto_confirm=row["schedule_auto_confirm"],
        max_bookings_per_day=row["max_bookings_per_day"],
        max_bookings_per_minute=row["max_bookings_per_minute"],
        one_per_attendee=row["schedule_one_per_attendee"],
        complete_after_minutes=row["schedule_complete_after_minutes"],
        lanes=tuple(row["lanes"] or ()),
    )


def _location(row: asyncpg.Record) -> LocationPlace | None:
    if row.get("location_id") is None:
        return None
    return LocationPlace(
        location_id=row["location_id"],
        timezone=row["location_timezone"],
        hours=Hours(row["location_weekly_hours"], row["location_date_overrides"]),
        auto_confirm=row["location_auto_confirm"],
        visit_minutes=row["visit_minutes"],
        interval_minutes=row["location_interval_minutes"],
        one_per_attendee=row["location_one_per_attendee"],
        complete_after_minutes=row["location_complete_after_minutes"],
        tables=tuple(TablePlace(*table) for table in row["tables"] or ()),
    )


def _appointment(row: asyncpg.Record) -> Appointment | None:
    if row.get("event_type_id") is None:
        return None
    durations = row["durations_minutes"]
    return Appointment(
        event_type_id=row["event_type_id"],
        schedule_id=row["event_type_schedule_id"],
        requires_confirmation=row["requires_confirmation"],
        location_type=row["location_type"],
        duration_minutes=row["duration_minutes"],
        durations_minutes=None if durations is None else tuple(durations),
        interval_minutes=row["event_type_interval_minutes"],
        buffer_before_minutes=row["buffer_before_minutes"],
        buffer_after_minutes=row["buffer_after_minutes"],
        minimum_notice_minutes=row["minimum_notice_minutes"],
        horizon_days=row["horizon_days"],
    )
