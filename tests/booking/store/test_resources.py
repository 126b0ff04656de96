"""The lanes of schedules, until when they are in use, and their end."""

from datetime import timedelta

from booking.domain.occupancy import Claim
from booking.domain.reference import LaneUse
from booking.domain.times import EARLIEST, LATEST, Span
from booking.store import occupancy, resources
from chassis.ids import new_id
from chassis.postgres import Connection
from support.booking_values import END, NOW, START

HOUR = timedelta(hours=1)


async def lanes(conn: Connection, owner_id: str) -> dict[int, int]:
    """The resource number of each lane."""
    rows = await conn.fetch("SELECT lane, resource_no FROM resources WHERE owner_id = $1 ORDER BY lane", owner_id)
    return {row["lane"]: row["resource_no"] for row in rows}


async def test_lanes_are_added_and_never_taken_away(conn: Connection) -> None:
    owner_id = new_id("sch")
    await resources.provide(conn, "org_1", owner_id, 2)
    two = await lanes(conn, owner_id)
    await resources.provide(conn, "org_1", owner_id, 3)
    three = await lanes(conn, owner_id)
    assert (list(three), {**three, **two}) == ([1, 2, 3], three)
    await resources.provide(conn, "org_1", owner_id, 1)
    assert await lanes(conn, owner_id) == three


async def test_the_highest_lane_that_is_still_in_use_is_told_with_its_last_end(conn: Connection) -> None:
    owner_id, other_id = new_id("sch"), new_id("sch")
    for each in (owner_id, other_id):
        await resources.provide(conn, "org_1", each, 3)
    own, others = await lanes(conn, owner_id), await lanes(conn, other_id)

    async def take(resource_no: int, start_in: int) -> None:
        columns = occupancy.columns(Claim((resource_no,), Span(START + start_in * HOUR, END + start_in * HOUR)))
        await conn.execute(occupancy.insertion(2, booking_id="$1"), new_id("bk"), *columns)

    assert await resources.highest_used(conn, owner_id, since=START) is None
    await take(own[1], 50)
    await take(own[2], 0)
    await take(own[2], 20)
    await take(others[3], 90)
    assert await resources.highest_used(conn, owner_id, since=START) == LaneUse(2, END + 20 * HOUR)
    last_second = END + 20 * HOUR - timedelta(seconds=1)
    assert await resources.highest_used(conn, owner_id, since=last_second) == LaneUse(2, END + 20 * HOUR)
    assert await resources.highest_used(conn, owner_id, since=END + 20 * HOUR) == LaneUse(1, END + 50 * HOUR)
    assert await resources.highest_used(conn, owner_id, since=END + 50 * HOUR) is None


async def claim(conn: Connection, resource_no: int, span: Span, **expiry: str) -> None:
    """Take some time of a resource: for a booking or, with an expiry, for a hold."""
    holder = {"hold_id": "$1", **expiry} if expiry else {"booking_id": "$1"}
    columns = occupancy.columns(Claim((resource_no,), span))
    await conn.execute(occupancy.insertion(2, **holder), new_id("bk"), *columns)


async def test_a_hold_that_has_expired_keeps_no_lane(conn: Connection) -> None:
    owner_id = new_id("sch")
    await resources.provide(conn, "org_1", owner_id, 2)
    numbers = await lanes(conn, owner_id)
    await claim(conn, numbers[2], Span(START, END), expires_at=f"'{NOW.isoformat()}'")
    assert await resources.highest_used(conn, owner_id, since=NOW - HOUR) == LaneUse(2, END)
    assert await resources.highest_used(conn, owner_id, since=NOW) is None


async def test_what_is_closed_has_no_time_left_and_its_neighbours_have_theirs(conn: Connection) -> None:
    owner_id, other_id = new_id("sch"), new_id("sch")
    for each in (owner_id, other_id):
        await resources.provide(conn, "org_1", each, 2)
    assert await resources.close(conn, owner_id, now=NOW)
    rows = await conn.fetch("SELECT hold_id, expires_at FROM occupancy WHERE hold_id = $1", owner_id)
    assert [(row["hold_id"], row["expires_at"]) for row in rows] == [(owner_id, None)] * 2
    own, others = await lanes(conn, owner_id), await lanes(conn, other_id)
    for span in (Span(START, END), Span(EARLIEST, EARLIEST + HOUR), Span(LATEST - HOUR, LATEST)):
        for lane in own:
            await claim(conn, own[lane], span)
            await claim(conn, others[lane], span)
    taken = "SELECT count(*) FROM occupancy WHERE booking_id IS NOT NULL AND resource_no = ANY ($1::integer[])"
    assert await conn.fetchval(taken, list(own.values())) == 0
    assert await conn.fetchval(taken, list(others.values())) == 6
    assert not await resources.close(conn, owner_id, now=NOW)


async def test_what_anybody_has_time_of_is_not_closed_but_an_expired_hold_is_nobody(conn: Connection) -> None:
    booked, held, expired = owners = [new_id("sch") for _ in range(3)]
    for owner_id in owners:
        await resources.provide(conn, "org_1", owner_id, 2)
    await claim(conn, (await lanes(conn, booked))[2], Span(START, END))
    later = f"'{(NOW + HOUR).isoformat()}'"
    await claim(conn, (await lanes(conn, held))[1], Span(START, END), expires_at=later)
    await claim(conn, (await lanes(conn, expired))[1], Span(START, END), expires_at=f"'{NOW.isoformat()}'")
    assert [await resources.close(conn, owner_id, now=NOW) for owner_id in owners] == [False, False, True]


async def test_what_has_no_resources_is_closed_at_once(conn: Connection) -> None:
    assert await resources.close(conn, new_id("loc"), now=NOW)


async def test_lanes_that_are_there_use_no_numbers_up(conn: Connection) -> None:
    owner = new_id("sch")
    for lanes in (3, 3, 2, 5):
        await resources.provide(conn, "org_1", owner, lanes)
    rows = await conn.fetch("SELECT resource_no, lane FROM resources WHERE owner_id = $1 ORDER BY lane", owner)
    assert [row["lane"] for row in rows] == [1, 2, 3, 4, 5]
    numbers = [row["resource_no"] for row in rows]
    assert max(numbers) - min(numbers) == 4
