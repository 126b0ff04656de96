"""How far the list by last writing reaches, and what a restore leaves in it."""

from datetime import UTC, datetime, timedelta

from booking.domain.actors import Actor
from booking.domain.cursors import Position
from booking.domain.listing import ReservationFilter
from booking.store import reservations
from chassis.postgres import Connection, Database
from support.booking_service import SOON, Caller
from support.waiting import all_ended

ALL = ReservationFilter()
BEGINNING = Position(0)
BEYOND = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000"


async def book(staff: Caller, count: int) -> list[str]:
    schedule_id = await staff.schedule()
    return [
        (await staff.book(schedule_id=schedule_id, at=SOON + n * timedelta(days=1))).data["id"] for n in range(count)
    ]


async def ids(conn: Connection, staff: Caller, start: Position = BEGINNING) -> list[str]:
    """What the list shows now."""
    horizon = await reservations.look(conn, staff.org_id, since=None)
    found = await reservations.read(conn, Actor(staff.org_id, "staff"), ALL, start, settled=horizon.settled, limit=100)
    assert [position for position, _ in found] == sorted(position for position, _ in found)
    return [booking.id for _, booking in found]


async def test_the_list_ends_before_the_oldest_transaction_that_still_runs(staff: Caller, db: Database) -> None:
    first, second = await book(staff, 2)
    await all_ended(db)
    async with db.connection() as late, db.connection() as conn:
        running = late.transaction()
        await running.start()
        await late.execute("UPDATE bookings SET title = 'Late', written = DEFAULT WHERE id = $1", first)
        third, fourth = await book(staff, 2)
        assert await ids(conn, staff) == [first, second]
        before = await reservations.look(conn, staff.org_id, since=None)
        await running.commit()
        await all_ended(db)
        after = await reservations.look(conn, staff.org_id, since=None)
        assert before.settled < after.settled
        assert await ids(conn, staff) == [second, first, third, fourth]
        assert await ids(conn, staff, Position(before.settled)) == [first, third, fourth]


async def test_what_was_updated_since_an_instant_begins_at_the_lowest_number_among_it(
    staff: Caller, db: Database
) -> None:
    first, second, third = await book(staff, 3)
    async with db.connection() as conn:
        lowest = await conn.fetchval("SELECT written FROM bookings WHERE id = $1", first)
        # Clocks of several machines differ: the one written first says that it is the latest.
        for booking_id, hour in ((first, 12), (second, 10), (third, 11)):
            at = datetime(2030, 1, 1, hour, tzinfo=UTC)
            await conn.execute("UPDATE bookings SET updated_at = $2 WHERE id = $1", booking_id, at)
        firsts = {
            hour: (await reservations.look(conn, staff.org_id, since=datetime(2030, 1, 1, hour, tzinfo=UTC))).first
            for hour in (10, 11, 12, 13)
        }
        horizon = await reservations.look(conn, staff.org_id, since=None)
    assert [firsts[hour] for hour in (10, 11, 12)] == [lowest] * 3
    assert lowest < firsts[13] <= horizon.settled
    assert horizon.first == 0


async def test_what_another_database_has_numbered_is_numbered_anew(staff: Caller, db: Database) -> None:
    first, second, third = await book(staff, 3)
    async with db.connection() as conn:
        for place, booking_id in enumerate((third, first)):
            await conn.execute(f"UPDATE bookings SET written = {BEYOND} + $2 WHERE id = $1", booking_id, place)
        stood = await reservations.look(conn, staff.org_id, since=None)
        assert stood.restored
        await all_ended(db)
        assert await ids(conn, staff) == [second]
        await reservations.renumber(conn, staff.org_id)
        await all_ended(db)
        assert not (await reservations.look(conn, staff.org_id, since=None)).restored
        assert sorted(await ids(conn, staff, Position(stood.settled))) == sorted([first, third])
        assert (await ids(conn, staff))[0] == second


async def test_nothing_of_another_organization_is_numbered_anew(staff: Caller, db: Database) -> None:
    (booking_id,) = await book(staff, 1)
    async with db.connection() as conn:
        await conn.execute(f"UPDATE bookings SET written = {BEYOND} WHERE id = $1", booking_id)
        await reservations.renumber(conn, "org_other")
        assert not (await reservations.look(conn, "org_other", since=None)).restored
        assert (await reservations.look(conn, staff.org_id, since=None)).restored
        await reservations.renumber(conn, staff.org_id)
