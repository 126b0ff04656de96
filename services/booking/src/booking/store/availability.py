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

# What takes place without having a resource, as wide as what it would block on one.
_UNPLACED = """
SELECT
    extract(epoch FROM b.start_time)::bigint - 60 * b.buffer_before_minutes - $4 + 1 AS begins,
    extract(epoch FROM b.end_time)::bigint + 60 * b.buffer_after_minutes + $5 AS ends
FROM bookings b
WHERE b.schedule_id = $1 AND b.conflict AND b.status <> 'COMPLETED' AND b.id IS DISTINCT FROM $6
AND extract(epoch FROM b.start_time) - 60 * b.buffer_before_minutes < $3
AND extract(epoch FROM b.end_time) + 60 * b.buffer_after_minutes > $2
"""


async def unplaced(
    conn: Connection, schedule_id: str, span: Span, grid: Grid, *, except_id: str | None
) -> list[Stretch]:
    """Tell which starts are in the way of bookings that came from elsewhere when all lanes were taken, one by one.

    Args:
        conn: where to read.
        schedule_id: of which schedule.
        span: what is looked at.
        grid: as for `blocked`.
        except_id: as for `blocked`.
    """
    ahead, behind = _beside(grid)
    edges = epoch_seconds(span.start), epoch_seconds(span.end)
    rows = await conn.fetch(_UNPLACED, schedule_id, *edges, ahead, behind, except_id)
    return [(row["begins"], row["ends"]) for row in rows]


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
    ahead, behind = _beside(grid)
    edges = epoch_seconds(span.start), epoch_seconds(span.end)
    rows = await conn.fetch(_BLOCKED, list(resource_nos), *edges, ahead, behind, except_id, now)
    return {number: list(zip(begins or (), ends or (), strict=True)) for number, begins, ends in rows}


def _beside(grid: Grid) -> tuple[int, int]:
    """Tell how many seconds after its start a booking needs, and how many before it."""
    return int((grid.duration + grid.after).total_seconds()), int(grid.before.total_seconds())
