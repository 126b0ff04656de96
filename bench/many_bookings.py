"""Many bookings of one organization, made by the database itself.

However many there are, about a thousand of them are rare in each way of filtering, and lie evenly among the others.
Invariant: each has the number of a transaction of its own, as if they had been posted.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[Any]

UPCOMING = 800
A_DAY = 24 * 60 // 5
"""How many start on one day."""

_AT_ONCE = 100_000

_SPEND_NUMBERS = "DO $$ BEGIN FOR i IN 1..{} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"

_FILL = """
INSERT INTO bookings (
    id, org_id, schedule_id, event_type_id, table_ids, status, start_time, end_time, timezone, zone, local_date,
    title, attendee_name, attendee_email, metadata, party_size, source, buffer_before_minutes, buffer_after_minutes,
    version, sequence, last_event_id, last_event_at, created_at, updated_at, written
)
SELECT
    'bk_' || right($1, 12) || lpad(i::text, 14, '0'),
    $1,
    CASE WHEN i % each = 1 THEN 'sch_rare' WHEN dice % 2 = 1 THEN 'sch_wide' ELSE 'sch_' || i % 37 END,
    CASE WHEN i % each = 2 THEN 'evt_rare' WHEN dice / 2 % 5 < 2 THEN 'evt_wide' END,
    '{}',
    CASE
        WHEN i % each = 3 THEN 'PENDING'
        WHEN i > $3 - $7 OR dice / 100 % 100 < 9 THEN 'CONFIRMED'
        WHEN dice / 100 % 100 < 14 THEN 'NO_SHOW'
        WHEN dice / 100 % 100 < 28 THEN 'CANCELLED'
        ELSE 'COMPLETED'
    END,
    starts,
    starts + interval '30 minutes',
    'UTC',
    'UTC',
    (starts AT TIME ZONE 'UTC')::date,
    'Consultation Call',
    'Guest ' || i,
    CASE
        WHEN i % each = 4 THEN 'rare@example.com'
        WHEN dice / 10 % 10 = 1 THEN 'walk-in@example.com'
        ELSE 'guest' || i % ($3 / 4) || '@example.com'
    END,
    '{"source": "website", "campaign": "spring"}',
    1,
    'api',
    0,
    0,
    1,
    1,
    'evt_' || right($1, 12) || lpad(i::text, 14, '0'),
    updated,
    updated,
    updated,
    $2 + i
FROM generate_series($4::bigint, $5::bigint) AS i
CROSS JOIN LATERAL (
    SELECT
        $3 / 1000 AS each,
        hashint8extended(i, 0) & 65535 AS dice, -- the same in every run, and of no pattern
        $6::timestamptz - ($3::bigint - $7 - i) * interval '5 minutes' AS starts,
        $6::timestamptz - ($3::bigint + 1 - i) * interval '5 minutes' AS updated
) AS times
"""


async def fill(conn: "Connection", rows: int, now: datetime, org_id: str) -> None:
    """Make bookings, and no others: whatever is in the table goes.

    Args:
        conn: where to write.
        rows: how many; a multiple of 10,000.
        now: the instant that the last of them start after, and that the last was updated before.
        org_id: whose they are.
    """
    await conn.execute("TRUNCATE bookings, occupancy")
    before = await conn.fetchval("SELECT pg_current_xact_id()::text::bigint")
    await conn.execute(_SPEND_NUMBERS.format(rows))
    for first in range(1, rows + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, rows)
        await conn.execute(_FILL, org_id, before, rows, first, last, now, UPCOMING)
