"""Spots of event instances: reading what decides about them, taking them and giving them back.

Invariant: an instance's attendance is the sum of its spots, kept by a trigger in its own row, whose CHECK refuses one
too many (architecture.md section 4, I7).
"""

from collections.abc import Sequence
from datetime import datetime

from booking.domain.booking import Booking
from booking.domain.holds import Hold
from booking.domain.place import InstancePlace
from chassis.postgres import Connection

# The row's lock is what those who race for its spots queue up for, and what makes its status stay as it was read.
_READ = """
SELECT
    i.id AS instance_id, i.service_id, i.location_id, i.timezone, i.start_time, i.end_time,
    i.max_attendance, i.attendance, i.status = 'scheduled' AS is_scheduled,
    s.requires_confirmation, s.complete_after_minutes
FROM event_instances i JOIN services s ON s.id = i.service_id
WHERE i.id = $1 AND i.org_id = $2 AND i.deleted_at IS NULL
FOR NO KEY UPDATE OF i
"""
_COUNT = """
SELECT
    coalesce(sum(spots) FILTER (WHERE expires_at <= $2), 0)::integer AS expired,
    coalesce(sum(spots) FILTER (WHERE booking_id = $3), 0)::integer AS own
FROM spots WHERE instance_id = $1
"""
_RELEASE = "DELETE FROM spots WHERE booking_id = $1"
_RELEASE_HOLDS = "DELETE FROM spots WHERE hold_id = ANY ($1::text[])"
_RELEASE_EXPIRED = "DELETE FROM spots WHERE instance_id = $1 AND expires_at <= $2"
_BOOK = """
INSERT INTO spots (instance_id, booking_id, spots) VALUES ($1, $2, $3)
ON CONFLICT (booking_id) DO UPDATE SET spots = excluded.spots
"""
_HOLD = "INSERT INTO spots (instance_id, hold_id, spots, expires_at) VALUES ($1, $2, $3, $4)"


async def read(
    conn: Connection, org_id: str, instance_id: str, *, now: datetime, booking_id: str | None = None
) -> InstancePlace | None:
    """Read what decides about an instance's spots, and lock its row.

    Args:
        conn: the transaction that will take or give back spots.
        org_id: whose.
        instance_id: which.
        now: the current instant; a hold that has expired by it takes nothing.
        booking_id: a booking that has spots already.
    """
    row = await conn.fetchrow(_READ, instance_id, org_id)
    if row is None:
        return None
    (counts,) = await conn.fetch(_COUNT, instance_id, now, booking_id)
    return InstancePlace(**row, **counts)


async def book(conn: Connection, booking: Booking) -> None:
    """Give a booking as many spots as it takes, none included; the caller has seen that they are free."""
    if booking.spots:
        await conn.execute(_BOOK, booking.event_instance_id, booking.id, booking.spots)
    else:
        await conn.execute(_RELEASE, booking.id)


async def hold(conn: Connection, held: Hold) -> None:
    """Give a hold its spots; the caller has seen that they are free."""
    await conn.execute(_HOLD, held.event_instance_id, held.id, held.party_size, held.expires_at)


async def release_holds(conn: Connection, hold_ids: Sequence[str]) -> None:
    """Give the spots of holds back."""
    await conn.execute(_RELEASE_HOLDS, list(hold_ids))


async def release_expired(conn: Connection, instance_id: str, now: datetime) -> None:
    """Give back what expired holds still have of an instance."""
    await conn.execute(_RELEASE_EXPIRED, instance_id, now)
