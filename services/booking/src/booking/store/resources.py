"""The resources of schedules and tables.

Invariant: a resource is never deleted, so that its number stays its own; lanes above a capacity are not offered.
"""

from datetime import datetime

from chassis.postgres import Connection

_ADD = """
INSERT INTO resources (org_id, owner_id, lane)
SELECT $1, $2, lane FROM generate_series(1, $3) AS lane
ON CONFLICT (owner_id, lane) DO NOTHING
"""

# What lies on a resource from an instant on is the stretch from there to the last second that a time may have.
_LAST_USE_ABOVE = """
SELECT max(upper(o.during) & ((1::bigint << 34) - 1))
FROM resources r JOIN occupancy o ON o.during && slot(r.resource_no, $3, 7258118399)
WHERE r.owner_id = $1 AND r.lane > $2
"""


async def provide(conn: Connection, org_id: str, owner_id: str, lanes: int) -> None:
    """See to it that a schedule or table has so many lanes."""
    await conn.execute(_ADD, org_id, owner_id, lanes)


async def used_above(conn: Connection, owner_id: str, lanes: int, *, since: datetime) -> int | None:
    """Tell until which epoch second, after `since`, lanes above so many are taken; None when they are free."""
    second: int | None = await conn.fetchval(_LAST_USE_ABOVE, owner_id, lanes, int(since.timestamp()))
    return second
