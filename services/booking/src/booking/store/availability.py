"""What stands in the way on resources, over a stretch of time: one statement, and a short answer however much it is.

Invariant: the caller has seen that the resources are its organization's.
"""

from collections.abc import Collection
from datetime import datetime

from booking.domain.search import Grid
from booking.domain.stretches import Stretch
from booking.domain.times import Span, epoch_seconds
from chassis.postgres import Connection

# A start is blocked by what ends after what must be free before it, and begins before what must be free behind it.
# Joined here, the more there is the fewer stretches are left of it.
_BLOCKED = """
SELECT wanted.resource_no, blocked.begins, blocked.ends
FROM unnest($1::integer[]) AS wanted (resource_no)
CROSS JOIN LATERAL (
    SELECT array_agg(lower(stretch)) AS begins, array_agg(upper(stretch)) AS ends
    FROM (
        SELECT unnest(range_agg(int8range(
            lower(o.during) - (o.resource_no::bigint << 34) - $4 + 1,
            upper(o.during) - (o.resource_no::bigint << 34) + $5
        ))) AS stretch
        FROM occupancy o
        WHERE o.during && slot(wanted.resource_no, $2, $3)
        AND coalesce(o.booking_id, o.hold_id) IS DISTINCT FROM $6 AND (o.expires_at IS NULL OR o.expires_at > $7)
    ) AS joined
) AS blocked
"""


async def blocked(
    conn: Connection, resource_nos: Collection[int], span: Span, grid: Grid, *, except_id: str | None, now: datetime
) -> dict[int, list[Stretch]]:
    """Tell for each resource when a booking cannot start on it, in joined stretches.

    Args:
        conn: where to read.
        resource_nos: which resources.
        span: what is looked at, within the bounds of occupancy; stretches may reach beyond it.
        grid: how long a booking lasts, and what must be free beside it.
        except_id: a booking that is in nobody's way: the one that is to move.
        now: the current instant; a hold that has expired by it takes nothing.
    """
    ahead, behind = (int(length.total_seconds()) for length in (grid.duration + grid.after, grid.before))
    edges = epoch_seconds(span.start), epoch_seconds(span.end)
    rows = await conn.fetch(_BLOCKED, list(resource_nos), *edges, ahead, behind, except_id, now)
    return {number: list(zip(begins or (), ends or (), strict=True)) for number, begins, ends in rows}
