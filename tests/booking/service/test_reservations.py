"""Following bookings: what a restore brought is numbered anew before it is shown, however much it is."""

from datetime import UTC, datetime

from booking.domain.actors import Actor
from booking.domain.listing import ReservationFilter
from booking.service.reservations import Reservations
from chassis.ids import new_id
from chassis.postgres import Database
from support.many_bookings import fill
from support.waiting import all_ended

MANY = 10_000  # more than are numbered at a time
RESTORED = """
UPDATE bookings SET written = written + pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000 WHERE org_id = $1
"""


async def test_many_restored_bookings_are_all_shown(db: Database) -> None:
    org_id = new_id("org")
    async with db.connection() as conn:
        await fill(conn, MANY, datetime.now(UTC), org_id)
        await conn.execute(RESTORED, org_id)
    reservations, actor = Reservations(db), Actor(org_id, "staff")
    await reservations.page(actor, ReservationFilter(), limit=1, after=None)
    await all_ended(db)
    page = await reservations.page(actor, ReservationFilter(), limit=MANY, after=None)
    assert len({booking.id for booking in page.items}) == MANY
    assert not page.has_more
