"""The history feed (seed 003, events.md section 3)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Caller


async def feed(caller: Caller, booking_id: str, query: str = "") -> tuple[list[str], bool]:
    """The types of a page of the feed, and whether there is more."""
    got = await caller.get(f"/v1/reservations/{booking_id}/events{query}")
    assert got.status == 200, got.body
    return [event["type"].removeprefix("reservation.") for event in got.body["data"]], got.body["has_more"]


async def test_the_seeds_example_of_a_booking_made_confirmed_and_edited(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), source="widget", party_size=4)
    booking_id = made.data["id"]
    await staff.patch(f"/api/v1/bookings/{booking_id}", {"status": "CONFIRMED"})
    await staff.patch(f"/api/v1/bookings/{booking_id}", {"party_size": 2})
    got = await staff.get(f"/v1/reservations/{booking_id}/events")
    assert got.status == 200
    assert list(got.body) == ["object", "data", "has_more"]
    assert (got.body["object"], got.body["has_more"]) == ("list", False)
    for event in got.body["data"]:
        assert list(event) == ["object", "id", "type", "created_at", "data"]
        assert event["object"] == "reservation_event"
        assert event["id"].startswith("evt_")
    assert [(event["type"], event["data"]) for event in got.body["data"]] == [
        ("reservation.created", {"source": "widget", "party_size": 4}),
        ("reservation.confirmed", {"from_status": "pending", "to_status": "confirmed"}),
        ("reservation.updated", {"changes": {"party_size": {"from": 4, "to": 2}}}),
    ]


async def test_keys_come_in_the_order_of_the_seed(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), source="widget", party_size=2)
    path = f"/api/v1/bookings/{made.data['id']}"
    await staff.patch(path, {"party_size": 4, "status": "CONFIRMED", "reason": "paid"})
    url = f"{staff.base}/v1/reservations/{made.data['id']}/events"
    async with staff.http.get(url, headers=staff.headers) as response:
        raw = await response.text()
    for data in (
        '"data":{"source":"widget","party_size":2}',
        '"data":{"changes":{"party_size":{"from":2,"to":4}}}',
        '"data":{"from_status":"pending","to_status":"confirmed","reason":"paid"}',
    ):
        assert data in raw


async def test_created_at_carries_the_offset_of_the_place_at_that_instant(staff: Caller) -> None:
    location_id = await staff.location(timezone="Asia/Kathmandu")
    at_schedule = await staff.book(schedule_id=await staff.schedule(timezone="Asia/Tokyo"))
    at_both = await staff.book(schedule_id=await staff.schedule(timezone="Asia/Tokyo"), location_id=location_id)
    for made, hours in ((at_schedule, 9.0), (at_both, 5.75)):
        got = await staff.get(f"/v1/reservations/{made.data['id']}/events")
        told = got.body["data"][0]["created_at"]
        instant = datetime.fromisoformat(told)
        assert instant.utcoffset() == timedelta(hours=hours)
        assert instant == datetime.fromisoformat(made.data["created_at"])
        assert len(told) == len("2026-06-20T11:04:18+02:00")


async def test_pages_in_both_directions(staff: Caller) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    for number in range(4):
        await staff.patch(f"/api/v1/bookings/{booking_id}", {"title": f"Title {number}"})
    whole = (await staff.get(f"/v1/reservations/{booking_id}/events")).body["data"]
    ids = [event["id"] for event in whole]
    assert len(ids) == 5
    path = f"/v1/reservations/{booking_id}/events"
    pages = {
        "?limit=2": (ids[:2], True),
        f"?limit=2&starting_after={ids[1]}": (ids[2:4], True),
        f"?limit=2&starting_after={ids[3]}": (ids[4:], False),
        f"?starting_after={ids[4]}": ([], False),
        f"?limit=2&ending_before={ids[4]}": (ids[2:4], True),
        f"?limit=2&ending_before={ids[2]}": (ids[:2], False),
        f"?ending_before={ids[0]}": ([], False),
        "?limit=5": (ids, False),
    }
    for query, (expected, more) in pages.items():
        got = (await staff.get(path + query)).body
        assert ([event["id"] for event in got["data"]], got["has_more"]) == (expected, more), query


async def test_the_feed_shows_20_events_unless_asked_for_up_to_100(staff: Caller) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    for number in range(21):
        await staff.patch(f"/api/v1/bookings/{booking_id}", {"title": f"Title {number}"})
    types, more = await feed(staff, booking_id)
    assert (len(types), more) == (20, True)
    types, more = await feed(staff, booking_id, "?limit=100")
    assert (len(types), more) == (22, False)


async def test_bookkeeping_is_on_the_topic_alone_and_names_no_place_in_the_feed(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    first, second = await staff.table(location_id, 4), await staff.table(location_id, 6)
    made = await staff.book(location_id=location_id, table_ids=[first])
    path = f"/api/v1/bookings/{made.data['id']}"
    assert (await staff.patch(path, {"table_ids": [second]})).data["table_ids"] == [second]
    got = await staff.get(f"/v1/reservations/{made.data['id']}/events")
    assert [(event["type"], event["data"]) for event in got.body["data"]] == [
        ("reservation.created", {"source": "api", "party_size": 1}),
        ("reservation.updated", {"changes": {}}),
    ]
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT event_id, type, data FROM history WHERE booking_id = $1 ORDER BY sequence", made.data["id"]
        )
    assert [(row["type"], row["data"]) for row in rows[2:]] == [
        ("reservation.unassigned", {"table_ids": [first]}),
        ("reservation.assigned", {"table_ids": [second]}),
    ]
    hidden = await staff.get(f"/v1/reservations/{made.data['id']}/events?starting_after={rows[2]['event_id']}")
    assert (hidden.status, hidden.code) == (400, "invalid_cursor")


@pytest.mark.parametrize("cursor", ["starting_after", "ending_before"])
async def test_a_cursor_that_names_nothing_here_is_a_400(staff: Caller, cursor: str) -> None:
    schedule_id = await staff.schedule(capacity=2)
    first, other = await asyncio.gather(staff.book(schedule_id=schedule_id), staff.book(schedule_id=schedule_id))
    others = (await staff.get(f"/v1/reservations/{other.data['id']}/events")).body["data"][0]["id"]
    for name in ("evt_none", others):
        got = await staff.get(f"/v1/reservations/{first.data['id']}/events?{cursor}={name}")
        assert (got.status, got.code) == (400, "invalid_cursor")
        assert got.body["error"]["param"] == cursor


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "starting_after=a&ending_before=b", "page=2"])
async def test_a_query_that_makes_no_sense_is_a_422(staff: Caller, query: str) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule(), at=SOON)).data["id"]
    got = await staff.get(f"/v1/reservations/{booking_id}/events?{query}")
    assert (got.status, got.code) == (422, "validation_failed")


async def test_several_events_of_one_change_share_its_time_and_rise_in_id(staff: Caller, db: Database) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    await staff.patch(f"/api/v1/bookings/{booking_id}", {"title": "Tea", "status": "CONFIRMED", "reason": "paid"})
    types, _ = await feed(staff, booking_id)
    assert types == ["created", "updated", "confirmed"]
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT type, created_at, data FROM history WHERE booking_id = $1 ORDER BY event_id", booking_id
        )
    assert [row["type"].split(".")[1] for row in rows] == types
    assert rows[1]["created_at"] == rows[2]["created_at"]
    assert rows[2]["data"] == {"from_status": "pending", "to_status": "confirmed", "reason": "paid"}
