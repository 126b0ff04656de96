"""The resources of schedules and tables.

Invariant: a resource is never deleted, so that its number stays its own; lanes above a capacity are not offered.
"""

from datetime import UTC, datetime

from booking.domain.reference import LaneUse
from booking.domain.times import LATEST, epoch_seconds
from chassis.postgres import Connection

_ADD = """
INSERT INTO resources (org_id, owner_id, lane)
SELECT $1, $2, lane FROM generate_series(1, $3) AS lane
ON CONFLICT (owner_id, lane) DO NOTHING
"""

# What lies on a resource from an instant on is the stretch from there to the last second that a time may have.
_HIGHEST_USED = """
SELECT r.lane, max(upper(o.during) & ((1::bigint << 34) - 1)) AS until
FROM resources r JOIN occupancy o ON o.during && slot(r.resource_no, $2, $3)
WHERE r.owner_id = $1
GROUP BY r.lane ORDER BY r.lane DESC LIMIT 1
"""


async def provide(conn: Connection, org_id: str, owner_id: str, lanes: int) -> None:
    """See to it that a schedule or table has so many lanes."""
    await conn.execute(_ADD, org_id, owner_id, lanes)


async def highest_used(conn: Connection, owner_id: str, *, since: datetime) -> LaneUse | None:
    """Find the highest lane of a schedule that is taken at `since` or later; None when all of them are free then."""
    row = await conn.fetchrow(_HIGHEST_USED, owner_id, epoch_seconds(since), epoch_seconds(LATEST))
    return None if row is None else LaneUse(row["lane"], datetime.fromtimestamp(row["until"], UTC))
