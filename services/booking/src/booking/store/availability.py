"""When resources are taken, over a stretch of time: one statement however long it is.

Invariant: the caller has seen that the resources are its organization's.
"""

from collections.abc import Collection
from datetime import datetime

from booking.domain.stretches import Stretch
from booking.domain.times import Span, epoch_seconds
from chassis.postgres import Connection

_TAKEN = """
SELECT
    o.resource_no,
    lower(o.during) - (o.resource_no::bigint << 34) AS begins,
    upper(o.during) - (o.resource_no::bigint << 34) AS ends
FROM unnest($1::integer[]) AS wanted (resource_no)
JOIN occupancy o ON o.during && slot(wanted.resource_no, $2, $3)
WHERE coalesce(o.booking_id, o.hold_id) IS DISTINCT FROM $4 AND (o.expires_at IS NULL OR o.expires_at > $5)
"""


async def taken(
    conn: Connection, resource_nos: Collection[int], span: Span, *, except_booking: str | None, now: datetime
) -> dict[int, list[Stretch]]:
    """Tell for each resource when it is taken within a span; stretches may reach beyond it.

    Args:
        conn: where to read.
        resource_nos: which resources.
        span: within the bounds of occupancy.
        except_booking: a booking that is in nobody's way: the one that is to move.
        now: the current instant; a hold that has expired by it takes nothing.
    """
    found: dict[int, list[Stretch]] = {number: [] for number in resource_nos}
    times = epoch_seconds(span.start), epoch_seconds(span.end)
    for number, begins, ends in await conn.fetch(_TAKEN, list(resource_nos), *times, except_booking, now):
        found[number].append((begins, ends))
    return found
