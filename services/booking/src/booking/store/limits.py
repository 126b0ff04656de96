"""Counting what a schedule's daily limit counts.

Invariant: a booking counts on the date of its start in the schedule's zone while it is not called off, and a hold until
it expires.
"""

from collections import Counter
from datetime import date, datetime

from booking.domain.status import COUNTED
from booking.domain.times import Span, local_date
from chassis.postgres import Connection

# The organization and the statuses are what the index of a schedule's bookings begins with.
_COUNT = """
SELECT start_time, count(*)::integer AS booked
FROM (
    SELECT start_time FROM bookings
    WHERE org_id = (SELECT org_id FROM schedules WHERE id = $1) AND schedule_id = $1
    AND status = ANY ($6::text[]) AND start_time >= $2 AND start_time < $3 AND id IS DISTINCT FROM $4
    UNION ALL
    SELECT start_time FROM holds
    WHERE schedule_id = $1 AND start_time >= $2 AND start_time < $3
    AND expires_at > $5 AND id IS DISTINCT FROM $4
) AS counted
GROUP BY start_time
"""


async def bookings_by_date(
    conn: Connection, schedule_id: str, zone: str, span: Span, *, now: datetime, except_id: str | None
) -> dict[date, int]:
    """Count what starts in a span, for each date that has any.

    Args:
        conn: where to read.
        schedule_id: whose.
        zone: the schedule's, which says what a date is.
        span: whole dates, else the first and the last are counted in part.
        now: the current instant; a hold that has expired by it does not count.
        except_id: a booking or hold that does not count: the one that is to move.
    """
    booked: Counter[date] = Counter()
    for start, count in await conn.fetch(_COUNT, schedule_id, span.start, span.end, except_id, now, sorted(COUNTED)):
        booked[local_date(start, zone)] += count  # the rules' own calendar: the database knows zones of its own
    return booked
