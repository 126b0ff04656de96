"""The lanes of schedules, and until when they are in use."""

from datetime import timedelta

from booking.domain.occupancy import Claim
from booking.domain.reference import LaneUse
from booking.domain.times import Span
from booking.store import occupancy, resources
from chassis.ids import new_id
from chassis.postgres import Connection
from support.booking_values import END, START

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
