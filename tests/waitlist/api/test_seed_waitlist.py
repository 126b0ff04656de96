"""Seed 000: list and add, and what goes with them."""

import re

from support.booking_service import SOON
from support.waitlist_service import DATE, PATH, Guest, days_ahead, instant, somebody

KEYS = [
    "id",
    "locationId",
    "userId",
    "requestedDate",
    "partySize",
    "preferredStartTime",
    "preferredEndTime",
    "status",
    "eventInstanceId",
    "contact",
    "priority",
    "notes",
    "windowStart",
    "windowEnd",
    "sourceName",
    "channel",
    "timeZone",
    "matterUid",
    "initiator",
    "bookingId",
    "joinedAt",
    "updatedAt",
    "version",
    "position",
    "estimatedWaitMinutes",
]


async def test_a_guest_is_added_as_the_seed_says(staff: Guest) -> None:
    """ "locationId, userId, requestedDate, partySize, preferredStartTime, preferredEndTime"."""
    location_id, user_id = await staff.location(timezone="Europe/Berlin"), await staff.client()
    asked = {
        "locationId": location_id,
        "userId": user_id,
        "requestedDate": "2031-07-04",
        "partySize": 4,
        "preferredStartTime": "19:00",
        "preferredEndTime": "01:00",
    }
    answer = await staff.waitlist.post(PATH, asked)
    assert (answer.status, answer.body["status"], list(answer.data)) == (201, "success", KEYS)
    entry = answer.data
    assert {name: entry[name] for name in asked} == asked
    assert re.fullmatch("wle_[0-9a-z]{26}", entry["id"])
    assert (entry["windowStart"], entry["windowEnd"]) == ("2031-07-04T17:00:00Z", "2031-07-04T23:00:00Z")
    assert (entry["status"], entry["priority"], entry["position"], entry["version"]) == ("waiting", 0, 1, 1)
    assert (entry["initiator"], entry["bookingId"], entry["contact"]) == ("staff", None, None)
    assert (await staff.waitlist.get(f"{PATH}/{entry['id']}")).body == answer.body


async def test_the_list_is_filtered_and_paged_as_the_seed_says(staff: Guest) -> None:
    """ "locationId Filter by location ID, status Waitlist entry status, requestedDate, page, limit"."""
    location_id, other = await staff.location(), await staff.location()
    entries = [await staff.joined(locationId=location_id) for _ in range(5)]
    later = await staff.joined(locationId=location_id, requestedDate=days_ahead(1))
    elsewhere = await staff.joined(locationId=other)
    await staff.waitlist.delete(f"{PATH}/{entries[0]['id']}")

    async def ids(query: str) -> list[str]:
        return [entry["id"] for entry in (await staff.waitlist.get(f"{PATH}?{query}")).data]

    every = [entry["id"] for entry in (*entries, later, elsewhere)]
    assert await ids("") == every
    assert await ids(f"locationId={location_id}") == every[:6]
    assert await ids(f"locationId={location_id}&requestedDate={DATE}&status=waiting") == every[1:5]
    assert await ids(f"requestedDate={days_ahead(1)}") == [later["id"]]
    assert await ids("status=removed") == [every[0]]
    first = await staff.waitlist.get(f"{PATH}?limit=3")
    assert first.body["status"] == "success"
    assert first.body["pagination"] == {"page": 1, "limit": 3, "total": 7, "pages": 3}
    assert [entry["position"] for entry in first.data] == [None, 1, 2]
    assert await ids("limit=3&page=2") == every[3:6]
    assert await ids("limit=3&page=3") == every[6:]
    assert await ids("limit=3&page=4") == []
    empty = await staff.waitlist.get(f"{PATH}?locationId=loc_none")
    assert (empty.data, empty.body["pagination"]) == ([], {"page": 1, "limit": 50, "total": 0, "pages": 0})


async def test_those_with_a_priority_stand_first_and_places_count_only_those_ahead(staff: Guest) -> None:
    location_id = await staff.location()
    first, second = [await staff.joined(locationId=location_id) for _ in range(2)]
    favoured = await staff.joined(locationId=location_id, priority=1)
    await staff.joined(locationId=location_id, requestedDate=days_ahead(1), priority=9)  # another queue
    late = await staff.joined(locationId=location_id, priority=-1)
    assert [entry["position"] for entry in (first, second, favoured, late)] == [1, 2, 1, 4]
    listed = (await staff.waitlist.get(f"{PATH}?locationId={location_id}&requestedDate={DATE}")).data
    assert [entry["id"] for entry in listed] == [one["id"] for one in (favoured, first, second, late)]
    assert [entry["position"] for entry in listed] == [1, 2, 3, 4]
    await staff.waitlist.delete(f"{PATH}/{first['id']}")
    assert (await staff.waitlist.get(f"{PATH}/{late['id']}")).data["position"] == 3


async def test_times_may_be_instants_and_may_be_left_out(staff: Guest) -> None:
    location_id = await staff.location(timezone="UTC")
    start, end = instant(hours=8.5), "2026-01-01"
    given = await staff.joined(locationId=location_id, preferredStartTime=start, preferredEndTime="23:00")
    assert given["preferredStartTime"] == given["windowStart"] == start
    assert (given["preferredEndTime"], given["windowEnd"]) == ("23:00", instant(hours=13))
    offset = SOON.strftime("%Y-%m-%dT21:30:00+02:00")
    given = await staff.joined(locationId=location_id, preferredEndTime=offset)
    assert given["preferredEndTime"] == given["windowEnd"] == SOON.strftime("%Y-%m-%dT19:30:00Z")
    assert (given["preferredStartTime"], given["windowStart"]) == (None, None)
    refused = await staff.join(locationId=location_id, contact=somebody(), preferredEndTime=end)
    assert (refused.status, refused.body["error"]["param"]) == (422, "preferredEndTime")


async def test_a_guest_waits_once_in_a_queue(staff: Guest) -> None:
    location_id, user_id = await staff.location(), await staff.client()
    first = await staff.joined(locationId=location_id, userId=user_id)
    again = await staff.join(locationId=location_id, userId=user_id, partySize=9)
    assert (again.status, again.code) == (409, "already_waiting")
    assert (await staff.join(locationId=location_id, userId=user_id, requestedDate=days_ahead(1))).status == 201
    await staff.waitlist.delete(f"{PATH}/{first['id']}")
    assert (await staff.join(locationId=location_id, userId=user_id)).status == 201


async def test_who_is_no_client_is_told_apart_by_email_and_phone(staff: Guest) -> None:
    location_id = await staff.location()
    await staff.joined(locationId=location_id, contact={"email": "Jo@Example.com", "phone": "+1 (212) 555-0100"})
    for same in ({"email": "jo@example.COM"}, {"phone": "+1 212 5550100", "email": "other@example.com"}):
        answer = await staff.join(locationId=location_id, contact=same)
        assert (answer.status, answer.code) == (409, "already_waiting")
    assert (await staff.join(locationId=location_id, contact={"phone": "+1 212 555 0101"})).status == 201


async def test_an_event_that_is_full_is_waited_for_here_too(staff: Guest) -> None:
    instance = await staff.full_instance(2)
    body = {"eventInstanceId": instance["uid"], "contact": somebody(), "partySize": 2}
    answer = await staff.waitlist.post(PATH, body)
    assert answer.status == 201
    entry = answer.data
    assert (entry["eventInstanceId"], entry["locationId"], entry["requestedDate"]) == (instance["uid"], None, None)
    assert entry["position"] == 1
    listed = await staff.waitlist.get(f"{PATH}?eventInstanceId={instance['uid']}")
    assert [one["id"] for one in listed.data] == [entry["id"]]


async def test_a_request_that_is_sent_twice_adds_one(staff: Guest) -> None:
    body = {"locationId": await staff.location(), "requestedDate": DATE, "contact": somebody()}
    first = await staff.waitlist.post(PATH, body, Idempotency_Key="once")
    again = await staff.waitlist.post(PATH, body, Idempotency_Key="once")
    assert first.status == again.status == 201
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await staff.waitlist.post(PATH, {**body, "partySize": 3}, Idempotency_Key="once")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    refused = {**body, "locationId": "loc_none"}
    assert (await staff.waitlist.post(PATH, refused, Idempotency_Key="refused")).status == 422
    assert (await staff.waitlist.post(PATH, {**body, "contact": somebody()}, Idempotency_Key="refused")).status == 201
    assert len((await staff.waitlist.get(PATH)).data) == 2
