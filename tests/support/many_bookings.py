"""Many bookings of one organization, made by the database itself.

However many there are, about a thousand of them are rare in each way of filtering: they lie evenly among the others.
"""

from datetime import datetime

from chassis.postgres import Connection

ORG = "org_many"

# One each five minutes, the last 800 of them yet to start; of schedules, event types and locations one is wide.
_FILL = """
INSERT INTO bookings (
    id, org_id, client_id, schedule_id, event_type_id, location_id, event_instance_id, table_ids, status,
    start_time, end_time, timezone, zone, local_date, attendee_name, attendee_email, metadata, party_size, source,
    buffer_before_minutes, buffer_after_minutes, version, sequence, last_event_id, last_event_at,
    created_at, updated_at
)
SELECT
    'bk_' || left(md5($2), 16) || lpad(i::text, 10, '0'),
    $2,
    CASE WHEN i % ($1 / 1000) = 1 THEN 'cli_rare' WHEN i % 3 = 0 THEN 'cli_' || i % 5000 END,
    CASE WHEN i % ($1 / 1000) = 2 THEN 'sch_rare' WHEN i % 2 = 1 THEN 'sch_wide' ELSE 'sch_' || i % 37 END,
    CASE WHEN i % ($1 / 1000) = 3 THEN 'evt_rare' WHEN i % 5 < 2 THEN 'evt_wide' END,
    CASE WHEN i % ($1 / 1000) = 4 THEN 'loc_rare' WHEN i % 5 < 3 THEN 'loc_wide' END,
    CASE WHEN i BETWEEN $1 / 2 AND $1 / 2 + 799 THEN 'ei_1' END,
    '{}',
    CASE
        WHEN i % ($1 / 1000) = 5 THEN 'PENDING'
        WHEN i > $1 - 800 OR i % 11 = 0 THEN 'CONFIRMED'
        WHEN i % 19 = 0 THEN 'NO_SHOW'
        WHEN i % 7 = 0 THEN 'CANCELLED'
        ELSE 'COMPLETED'
    END,
    starts,
    starts + interval '30 minutes',
    'Europe/Berlin',
    'Europe/Berlin',
    (starts AT TIME ZONE 'Europe/Berlin')::date,
    'Guest ' || i,
    CASE
        WHEN i % ($1 / 1000) = 6 THEN 'Rare@Example.com'
        WHEN i % 10 = 1 THEN 'walk-in@example.com'
        ELSE 'guest' || i % ($1 / 4) || '@example.com'
    END,
    '{"note": "one of many"}',
    1 + i % 6,
    'api',
    0,
    0,
    1,
    1,
    'evt_' || lpad(i::text, 26, '0'),
    updated,
    updated,
    updated
FROM generate_series(1, $1::int) AS i
CROSS JOIN LATERAL (
    SELECT
        $3::timestamptz - ($1 - 800 - i) * interval '5 minutes' AS starts,
        $3::timestamptz - interval '1 day' - ($1 - i) * interval '5 minutes' AS updated
) AS times
"""


async def fill(conn: Connection, rows: int, now: datetime, org_id: str = ORG) -> None:
    """Make bookings.

    Args:
        conn: where to write.
        rows: how many; a multiple of 10,000.
        now: the instant that 800 of them start after.
        org_id: whose they are.
    """
    await conn.execute(_FILL, rows, org_id, now)
