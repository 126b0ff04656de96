"""Following reservations (api.md section 2)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.domain.cursors import Cursor, Position
from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller, Service, text
from support.waiting import all_ended

PATH = "/v1/reservations"
DAY = timedelta(days=1)


Follow = Callable[..., Awaitable[tuple[list[str], Any]]]


@pytest.fixture
def follow(staff: Caller, db: Database) -> Follow:
    """Answer the ids of a page, as soon as all that was written may be shown, and the cursor to go on with."""

    async def answer(query: str = "") -> tuple[list[str], Any]:
        await all_ended(db)
        got = await staff.get(f"{PATH}?{query}")
        return [reservation["id"] for reservation in got.data], got.body["next_cursor"]

    return answer


async def book(staff: Caller, count: int, **fields: Any) -> list[str]:
    schedule_id = fields.pop("schedule_id", None) or await staff.schedule()
    made = [await staff.book(schedule_id=schedule_id, at=SOON + n * DAY, **fields) for n in range(count)]
    return [each.data["id"] for each in made]


async def retitle(staff: Caller, booking_id: str, title: str) -> Answer:
    return await staff.patch(f"/api/v1/bookings/{booking_id}", {"title": title})


async def test_a_reservation_is_the_booking_under_the_name_of_what_it_is(staff: Caller, follow: Follow) -> None:
    (booking_id,) = await book(staff, 1, party_size=4)
    booking = (await staff.get(f"/api/v1/bookings/{booking_id}")).data
    got = await staff.get(f"{PATH}/{booking_id}")
    assert got.status == 200
    assert list(got.body.items()) == [("object", "reservation"), *booking.items()]
    await follow()
    listed = await staff.get(PATH)
    assert list(listed.body) == ["object", "data", "has_more", "next_cursor"]
    assert (listed.body["object"], listed.body["has_more"]) == ("list", False)
    assert [list(each.items()) for each in listed.data] == [list(got.body.items())]


async def test_what_was_changed_last_comes_last(staff: Caller, follow: Follow) -> None:
    a, b, c = await book(staff, 3)
    await retitle(staff, a, "Tea")
    assert (await follow())[0] == [b, c, a]


async def test_pages_lead_from_one_to_the_next_and_on_to_what_comes_later(staff: Caller, follow: Follow) -> None:
    a, b, c, d, e = await book(staff, 5)
    shown, cursor = await follow("limit=2")
    assert shown == [a, b]
    await retitle(staff, a, "Tea")
    await retitle(staff, d, "Coffee")
    shown, cursor = await follow(f"limit=2&starting_after={cursor}")
    assert shown == [c, e]
    await follow()
    last = await staff.get(f"{PATH}?limit=2&starting_after={cursor}")
    assert ([each["title"] for each in last.data], last.body["has_more"]) == (["Tea", "Coffee"], False)
    shown, cursor = await follow(f"starting_after={last.body['next_cursor']}")
    assert (shown, cursor is None) == ([], False)
    await retitle(staff, b, "Cake")
    assert (await follow(f"starting_after={cursor}"))[0] == [b]


async def test_the_list_shows_20_unless_asked_for_up_to_100(staff: Caller, follow: Follow) -> None:
    ids = await book(staff, 22)
    await follow()
    got = await staff.get(PATH)
    assert (len(got.data), got.body["has_more"]) == (20, True)
    assert (await follow("limit=100"))[0] == ids
    assert (await follow("limit=1"))[0] == ids[:1]


async def test_an_empty_list_has_nowhere_to_go_on(staff: Caller) -> None:
    got = await staff.get(PATH)
    assert got.body == {"object": "list", "data": [], "has_more": False, "next_cursor": None}


async def test_filters(staff: Caller, follow: Follow) -> None:
    schedule_id, location_id = await staff.schedule(), await staff.location()
    a, b = await book(staff, 2, schedule_id=schedule_id)
    (c,) = await book(staff, 1, location_id=location_id)
    await staff.delete(f"/api/v1/bookings/{a}")
    assert (await follow(f"schedule_id={schedule_id}"))[0] == [b, a]
    assert (await follow(f"location_id={location_id}"))[0] == [c]
    assert (await follow("status=CANCELLED"))[0] == [a]
    assert (await follow(f"status=PENDING&schedule_id={schedule_id}"))[0] == [b]
    shown, cursor = await follow("schedule_id=sch_none")
    assert (shown, cursor) == ([], None)


async def test_who_filters_goes_on_behind_what_the_filter_left_out(staff: Caller, follow: Follow) -> None:
    schedule_id = await staff.schedule(capacity=2)
    await book(staff, 2, schedule_id=schedule_id)
    shown, cursor = await follow(f"schedule_id={schedule_id}")
    await book(staff, 3)
    shown, cursor = await follow(f"schedule_id={schedule_id}&starting_after={cursor}")
    assert shown == []
    (later,) = await book(staff, 1, schedule_id=schedule_id)
    assert (await follow(f"schedule_id={schedule_id}&starting_after={cursor}"))[0] == [later]


async def test_updated_since_is_inclusive(staff: Caller, db: Database, follow: Follow) -> None:
    ids = await book(staff, 3)
    async with db.connection() as conn:
        for booking_id, day in zip(ids, (1, 2, 3), strict=True):
            at = datetime(2030, 1, day, tzinfo=UTC)
            await conn.execute("UPDATE bookings SET updated_at = $2 WHERE id = $1", booking_id, at)
    for day, left in ((1, ids), (2, ids[1:]), (3, ids[2:]), (4, [])):
        assert (await follow(f"updated_since={text(datetime(2030, 1, day, tzinfo=UTC))}"))[0] == left
    second_later = text(datetime(2030, 1, 2, 0, 0, 1, tzinfo=UTC))
    shown, cursor = await follow(f"updated_since={second_later}&limit=1")
    assert shown == [ids[2]]
    await retitle(staff, ids[0], "Tea")
    assert (await follow(f"starting_after={cursor}&updated_since={second_later}"))[0] == []
    assert (await follow(f"starting_after={cursor}"))[0] == [ids[0]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "updated_since=2030-01-01", "status=NONE", "offset=1", "starting_after="]
)
async def test_a_query_that_makes_no_sense_is_a_422(staff: Caller, query: str) -> None:
    got = await staff.get(f"{PATH}?{query}")
    assert (got.status, got.code) == (422, "validation_failed")
    assert got.body["error"]["param"] == query.partition("=")[0]


@pytest.mark.parametrize("cursor", ["evt_none", "bk_01m7yjsvfvem1tzr1bhj7z092q", "MS4x"])
async def test_a_cursor_that_this_list_never_gave_is_a_400(staff: Caller, cursor: str) -> None:
    got = await staff.get(f"{PATH}?starting_after={cursor}")
    assert (got.status, got.code, got.body["error"]["param"]) == (400, "invalid_cursor", "starting_after")


async def test_after_a_restore_an_old_cursor_is_a_400_and_the_list_begins_anew(
    staff: Caller, db: Database, follow: Follow
) -> None:
    a, b, c = await book(staff, 3)
    _, given = await follow()
    cursor = Cursor.parse(given)
    beyond = Position(cursor.position.written + 10**9)
    for lost in (Cursor(cursor.era, beyond), Cursor("1", cursor.position)):
        got = await staff.get(f"{PATH}?starting_after={lost}")
        assert (got.status, got.code, got.body["error"]["param"]) == (400, "invalid_cursor", "starting_after")
    async with db.connection() as conn:
        await conn.execute("UPDATE bookings SET written = $2 WHERE id = ANY ($1)", [a, b], beyond.written)
    shown, cursor_then = await follow("limit=2")
    assert shown == [c, a]
    await retitle(staff, c, "Tea")
    assert (await follow(f"starting_after={cursor_then}"))[0] == [b, c]


async def test_a_reservation_that_is_not_there_is_a_404(staff: Caller, service: Service) -> None:
    (booking_id,) = await book(staff, 1)
    stranger = await service.caller()
    for caller, wanted in ((staff, "bk_none"), (stranger, booking_id)):
        got = await caller.get(f"{PATH}/{wanted}")
        assert (got.status, got.code) == (404, "not_found")
