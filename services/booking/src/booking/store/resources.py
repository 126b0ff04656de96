"""The resources of schedules and tables.

Invariant: a resource is never deleted, so that its number stays its own; lanes above a capacity are not offered. All
time of what a deleted schedule or table had is claimed for good, so that no booking that looked before gets any of it.
"""

from datetime import UTC, datetime

from booking.domain.occupancy import Claim
from booking.domain.reference import LaneUse
from booking.domain.times import EARLIEST, LATEST, Span, epoch_seconds
from booking.store import occupancy
from chassis.postgres import Connection

_ADD = """
INSERT INTO resources (org_id, owner_id, lane)
SELECT $1, $2, lane FROM generate_series(1, $3) AS wanted (lane)
WHERE NOT EXISTS (SELECT FROM resources there WHERE there.owner_id = $2 AND there.lane = wanted.lane)
ON CONFLICT (owner_id, lane) DO NOTHING
"""

# What lies on a resource from an instant on is the stretch from there to the last second that a time may have.
_HIGHEST_USED = """
SELECT r.lane, max(upper(o.during) & ((1::bigint << 34) - 1)) AS until
FROM resources r JOIN occupancy o ON o.during && slot(r.resource_no, $2, $3)
WHERE r.owner_id = $1 AND (o.expires_at IS NULL OR o.expires_at > $4)
GROUP BY r.lane ORDER BY r.lane DESC LIMIT 1
"""

_OF_OWNER = "SELECT resource_no FROM resources WHERE owner_id = $1 ORDER BY resource_no"

_CLAIM = f"""
WITH claimed AS ({occupancy.insertion(2, hold_id="$1")})
SELECT count(*) FROM claimed
"""


async def provide(conn: Connection, org_id: str, owner_id: str, lanes: int) -> None:
    """See to it that a schedule or table has so many lanes; a number is used up for those alone that it lacks."""
    await conn.execute(_ADD, org_id, owner_id, lanes)


async def highest_used(conn: Connection, owner_id: str, *, since: datetime) -> LaneUse | None:
    """Find the highest lane of a schedule that is taken at `since` or later; None when all of them are free then."""
    row = await conn.fetchrow(_HIGHEST_USED, owner_id, epoch_seconds(since), epoch_seconds(LATEST), since)
    return None if row is None else LaneUse(row["lane"], datetime.fromtimestamp(row["until"], UTC))


async def close(conn: Connection, owner_id: str, *, now: datetime) -> bool:
    """Claim all time of an owner's resources, and tell whether nobody else had any of it.

    Args:
        conn: the transaction that deletes the owner; what was claimed in part is to be rolled back.
        owner_id: a schedule's or table's id; what is neither has nothing to claim.
        now: the current instant; a hold that has expired by it is taken out of the way.
    """
    numbers = [row["resource_no"] for row in await conn.fetch(_OF_OWNER, owner_id)]
    claim = Claim(tuple(numbers), Span(EARLIEST, LATEST))
    await occupancy.release_expired(conn, claim, now)
    return int(await conn.fetchval(_CLAIM, owner_id, *occupancy.columns(claim))) == len(numbers)
