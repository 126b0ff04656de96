"""The list of bookings by the transaction that wrote them last.

Invariant: a page shows only what transactions below the horizon wrote, all of which have ended. So no booking can
take a position before one that was shown, and one that is written again comes again, as it then is.
"""

from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.cursors import Horizon, Position
from booking.domain.listing import ReservationFilter
from booking.store.bookings import SELECTED, booking_of
from booking.store.filters import reservation_conditions
from chassis.postgres import Connection

# An era is one cluster, one timeline of it (a failover begins another, and so does a restore to a point in time) and
# one making of the table.
#
# The lowest number among the bookings of a time is read from bookings_by_update; OFFSET keeps the planner from walking
# all of bookings_as_written in search of the first that is late enough.
_LOOK = """
SELECT
    concat_ws(
        '-',
        (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8),
        'bookings'::regclass::oid
    ) AS era,
    seen.settled,
    seen.unused,
    coalesce((SELECT max(written) FROM bookings WHERE org_id = $1) >= seen.unused, false) AS restored,
    CASE WHEN $2::timestamptz IS NULL THEN 0 ELSE coalesce(
        (
            SELECT min(written)
            FROM (SELECT written FROM bookings WHERE org_id = $1 AND updated_at >= $2 OFFSET 0) AS later
        ),
        seen.settled
    ) END AS first
FROM (
    SELECT
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS unused
) AS seen
"""

_RENUMBER = """
UPDATE bookings SET written = DEFAULT
WHERE id IN (
    SELECT id FROM bookings
    WHERE org_id = $1 AND written >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ORDER BY written, id
    LIMIT 5000
    FOR UPDATE
)
"""


async def look(conn: Connection, org_id: str, *, since: datetime | None) -> Horizon:
    """See how far an organization's list reaches, and where what was updated since an instant begins."""
    (row,) = await conn.fetch(_LOOK, org_id, since)
    return Horizon(**dict(row.items()))


async def renumber(conn: Connection, org_id: str) -> None:
    """Give some bookings that were restored from another database a number of this one, as if written just now."""
    await conn.execute(_RENUMBER, org_id)


async def read(
    conn: Connection, actor: Actor, wanted: ReservationFilter, start: Position, *, settled: int, limit: int
) -> list[tuple[Position, Booking]]:
    """Read the bookings in the actor's reach that follow a position, as they are now, each with its own.

    Args:
        conn: where to read.
        actor: who reads.
        wanted: which ones.
        start: the position that they follow.
        settled: the horizon, as `look` told it.
        limit: how many at most.
    """
    where, values = reservation_conditions(actor, wanted)
    written, booking_id, before, count = (f"${len(values) + number}" for number in range(1, 5))
    rows = await conn.fetch(
        f"SELECT {SELECTED}, written FROM bookings"
        f" WHERE {where} AND (written, id) > ({written}, {booking_id}) AND written < {before}"
        f" ORDER BY written, id LIMIT {count}",
        *values,
        start.written,
        start.booking_id,
        settled,
        limit,
    )
    return [(Position(row["written"], row["id"]), booking_of(row)) for row in rows]
