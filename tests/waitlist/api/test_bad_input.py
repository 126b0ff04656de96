"""What is refused, by which field and rule; and that nothing changes by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.waitlist_service import DATE, PATH, Guest, WaitlistService, days_ahead, somebody

CONTACT = {"name": "Ada", "email": "ada@example.com"}
PLACE = {"locationId": "?", "requestedDate": DATE}

FLAWS: list[tuple[dict[str, Any], str, str]] = [
    ({"locationId": None}, "locationId", "missing"),
    ({"locationId": ""}, "locationId", "string_too_short"),
    ({"locationId": 7}, "locationId", "string_type"),
    ({"locationId": "loc_none"}, "locationId", "unknown"),
    ({"locationId": "../clients"}, "locationId", "unknown"),
    ({"requestedDate": None}, "requestedDate", "missing"),
    ({"requestedDate": "tomorrow"}, "requestedDate", "date"),
    ({"requestedDate": "2031-02-29"}, "requestedDate", "date"),
    ({"requestedDate": 20310101}, "requestedDate", "string_type"),
    ({"requestedDate": "2020-01-01"}, "requestedDate", "bounds"),
    ({"requestedDate": "2199-12-31"}, "requestedDate", "bounds"),
    ({"requestedDate": "9999-12-31"}, "requestedDate", "bounds"),
    ({"partySize": 0}, "partySize", "greater_than_equal"),
    ({"partySize": 1001}, "partySize", "less_than_equal"),
    ({"partySize": "4"}, "partySize", "int_type"),
    ({"partySize": True}, "partySize", "int_type"),
    ({"partySize": None}, "partySize", "int_type"),
    ({"preferredStartTime": "7 pm"}, "preferredStartTime", "time"),
    ({"preferredStartTime": "24:00"}, "preferredStartTime", "time"),
    ({"preferredStartTime": "19:00:00"}, "preferredStartTime", "time"),
    ({"preferredStartTime": 1900}, "preferredStartTime", "string_type"),
    ({"preferredStartTime": f"{DATE}T19:00:00"}, "preferredStartTime", "offset"),
    ({"preferredStartTime": f"{DATE}T19:00:00.5Z"}, "preferredStartTime", "time"),
    ({"preferredStartTime": "2031-02-30T19:00:00Z"}, "preferredStartTime", "time"),
    ({"preferredStartTime": "0001-01-01T00:00:00+10:00"}, "preferredStartTime", "time"),
    ({"preferredStartTime": "9999-12-31T23:59:59Z"}, "preferredStartTime", "bounds"),
    ({"preferredStartTime": f"{days_ahead(3)}T19:00:00Z"}, "preferredStartTime", "date"),
    ({"preferredEndTime": f"{days_ahead(-1)}T19:00:00Z"}, "preferredEndTime", "after_start"),
    ({"preferredEndTime": f"{days_ahead(3)}T19:00:00Z"}, "preferredEndTime", "max_duration"),
    ({"contact": None}, "contact", "missing"),
    ({"contact": {"name": "Ada"}}, "contact", "missing"),
    ({"contact": {"email": "ada"}}, "contact.email", "email"),
    ({"contact": {"phone": "call me"}}, "contact.phone", "phone"),
    ({"contact": {"phone": "12"}}, "contact.phone", "phone"),
    ({"contact": {"fax": "1"}}, "contact.fax", "extra_forbidden"),
    ({"userId": "cli_none"}, "userId", "unknown"),
    ({"priority": 1001}, "priority", "less_than_equal"),
    ({"priority": None}, "priority", "int_type"),
    ({"notes": "x" * 5001}, "notes", "string_too_long"),
    ({"user_id": "cli_1"}, "user_id", "extra_forbidden"),
    ({"status": "converted"}, "status", "extra_forbidden"),
    ({"eventInstanceId": "inst_none"}, "locationId", "conflict"),
]


@pytest.mark.parametrize(("fields", "param", "rule"), FLAWS)
async def test_a_flaw_is_named_by_its_field_and_rule(
    service: WaitlistService, staff: Guest, fields: dict[str, Any], param: str, rule: str
) -> None:
    place = {"locationId": await staff.location(timezone="UTC"), "requestedDate": DATE}
    answer = await staff.waitlist.post(PATH, {**place, "contact": CONTACT, **fields})
    assert (answer.status, answer.code) == (422, "validation_failed")
    found = {(flaw["param"], flaw["rule"]) for flaw in answer.body["error"]["details"]["errors"]}
    assert (param, rule) in found
    async with service.database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM entries WHERE org_id = $1", staff.org_id) == 0


async def test_every_flaw_is_told_at_once(staff: Guest) -> None:
    answer = await staff.waitlist.post(PATH, {"eventInstanceId": "inst_none", "userId": "cli_none", **PLACE})
    errors = answer.body["error"]["details"]["errors"]
    assert [flaw["param"] for flaw in errors] == ["userId", "locationId", "requestedDate", "eventInstanceId"]
    assert all(flaw["message"].startswith("must ") and not flaw["message"].endswith(".") for flaw in errors)
    assert answer.body["error"]["message"] == f"userId: {errors[0]['message']}"


async def test_a_place_that_does_not_take_place_is_not_waited_for(staff: Guest) -> None:
    instance = await staff.full_instance(2)
    body = {"eventInstanceId": instance["uid"], "contact": CONTACT}
    policy = f"{PATH}/policies/{instance['service_id']}"

    async def rule(**fields: Any) -> str:
        answer = await staff.waitlist.post(PATH, {**body, **fields})
        assert (answer.status, answer.body["error"]["param"]) == (422, "eventInstanceId" if not fields else "partySize")
        return str(answer.body["error"]["details"]["errors"][0]["rule"])

    assert await rule(partySize=3) == "max_attendance"
    await staff.waitlist.send("PUT", policy, {"cutoffMinutes": 31 * 24 * 60})
    assert await rule() == "past"
    await staff.waitlist.send("PUT", policy, {})
    await staff.booking.patch(f"/v2/event_instances/{instance['uid']}", {"max_attendance": 3})
    assert await rule() == "not_full"
    await staff.booking.post(f"/v2/event_instances/{instance['uid']}/cancel", {})
    assert await rule() == "cancelled"


async def test_a_party_for_which_a_full_events_free_spots_are_too_few_may_wait(staff: Guest) -> None:
    instance = await staff.full_instance(2)
    await staff.booking.patch(f"/v2/event_instances/{instance['uid']}", {"max_attendance": 3})
    body = {"eventInstanceId": instance["uid"], "contact": somebody(), "partySize": 2}
    assert (await staff.waitlist.post(PATH, body)).status == 201


async def test_today_is_the_locations_today_and_what_has_passed_of_it_is_too_late(staff: Guest) -> None:
    location_id = await staff.location(timezone="Pacific/Kiritimati")  # 14 hours ahead of UTC
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    eve = (today - timedelta(days=1)).isoformat()
    assert (await staff.join(locationId=location_id, requestedDate=eve, contact=CONTACT)).status == 422
    asked = {"locationId": location_id, "requestedDate": today.isoformat(), "contact": CONTACT}
    passed = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    late = await staff.join(**asked, preferredEndTime=passed)
    assert late.body["error"]["details"]["errors"][0]["rule"] in {"past", "after_start"}
    assert (await staff.join(**asked)).status == 201


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("status=WAITING", "status"),
        ("requestedDate=tomorrow", "requestedDate"),
        ("requestedDate=1700000000", "requestedDate"),
        ("requestedDate=2031-01-01T00:00:00", "requestedDate"),
        ("locationId=", "locationId"),
        ("location_id=loc_1", "location_id"),
        ("page=1&page=2", "page"),
    ],
)
async def test_a_list_tells_what_it_does_not_understand(staff: Guest, query: str, param: str) -> None:
    answer = await staff.waitlist.get(f"{PATH}?{query}")
    assert (answer.status, answer.body["error"]["param"]) == (422, param)


async def test_an_entry_that_is_not_there_is_not_found(staff: Guest) -> None:
    for answer in (
        await staff.waitlist.get(f"{PATH}/wle_none"),
        await staff.waitlist.patch(f"{PATH}/wle_none", {"partySize": 2}),
        await staff.waitlist.delete(f"{PATH}/wle_none"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
        assert answer.body["error"]["message"] == "there is no such waitlist entry"
