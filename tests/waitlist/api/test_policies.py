"""How places offer what falls free: their policies."""

from typing import Any

import pytest

from support.event_instances import add_service
from support.reference_data import made
from support.waitlist_service import DATE, PATH, Guest, WaitlistService, somebody

DEFAULT = {
    "policy": "offer_one",
    "strictOrder": False,
    "offerMinutes": 15,
    "cutoffMinutes": 0,
    "quietHours": None,
    "afterExpiry": "stay",
    "maxEntries": None,
}


async def test_where_nobody_set_one_the_defaults_hold(staff: Guest) -> None:
    """architecture.md section 6: "Deadline: 15 min for tables, 4 h for instances"."""
    location_id, service_id = await staff.location(), await add_service(staff.booking)
    answer = await staff.waitlist.get(f"{PATH}/policies/{location_id}")
    assert answer.body == {"status": "success", "data": {"id": location_id, "kind": "location", **DEFAULT}}
    told = (await staff.waitlist.get(f"{PATH}/policies/{service_id}")).data
    assert told == {"id": service_id, "kind": "service", **DEFAULT, "offerMinutes": 240}


async def test_a_policy_is_set_whole(staff: Guest) -> None:
    path = f"{PATH}/policies/{await staff.location()}"
    wanted = {
        "policy": "notify_all",
        "strictOrder": True,
        "offerMinutes": 30,
        "cutoffMinutes": 60,
        "quietHours": {"from": "22:00", "to": "08:30"},
        "afterExpiry": "leave",
        "maxEntries": 20,
    }
    for body, told in ((wanted, wanted), ({"policy": "auto_convert"}, {**DEFAULT, "policy": "auto_convert"})):
        put = await staff.waitlist.send("PUT", path, body)
        assert put.status == 200
        assert {name: put.data[name] for name in DEFAULT} == told
        assert (await staff.waitlist.get(path)).body == put.body


@pytest.mark.parametrize(
    ("body", "param", "rule"),
    [
        ({"policy": "lottery"}, "policy", "enum"),
        ({"strictOrder": "yes"}, "strictOrder", "bool_type"),
        ({"offerMinutes": 0}, "offerMinutes", "greater_than_equal"),
        ({"offerMinutes": 2881}, "offerMinutes", "less_than_equal"),
        ({"cutoffMinutes": -1}, "cutoffMinutes", "greater_than_equal"),
        ({"quietHours": {"from": "22:00"}}, "quietHours.to", "missing"),
        ({"quietHours": {"from": "22:00", "to": "8"}}, "quietHours.to", "time"),
        ({"quietHours": {"from": "22:00", "to": "22:00"}}, "quietHours.to", "distinct"),
        ({"afterExpiry": "sulk"}, "afterExpiry", "enum"),
        ({"maxEntries": 0}, "maxEntries", "greater_than_equal"),
        ({"max_entries": 5}, "max_entries", "extra_forbidden"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(staff: Guest, body: dict[str, Any], param: str, rule: str) -> None:
    path = f"{PATH}/policies/{await staff.location()}"
    refused = await staff.waitlist.send("PUT", path, body)
    assert refused.status == 422
    assert [(flaw["param"], flaw["rule"]) for flaw in refused.body["error"]["details"]["errors"]] == [(param, rule)]
    assert (await staff.waitlist.get(path)).data["policy"] == "offer_one"


async def test_what_is_no_place_has_no_policy(staff: Guest) -> None:
    appointments = await made(staff.booking, "services", service_type="appointment", location_id=None)
    for place in ("none", appointments, await staff.client()):
        for method in ("GET", "PUT"):
            body: dict[str, Any] | None = None if method == "GET" else {}
            answer = await staff.waitlist.send(method, f"{PATH}/policies/{place}", body)
            assert (answer.status, answer.code) == (404, "not_found")


async def test_no_more_may_wait_than_the_policy_lets(staff: Guest) -> None:
    location_id = await staff.location()
    await staff.waitlist.send("PUT", f"{PATH}/policies/{location_id}", {"maxEntries": 2})
    entries = [await staff.joined(locationId=location_id) for _ in range(2)]
    full = await staff.join(locationId=location_id, contact=somebody())
    assert (full.status, full.code, full.body["error"]["details"]) == (409, "waitlist_full", {"maxEntries": 2})
    again = await staff.join(locationId=location_id, contact={"email": entries[0]["contact"]["email"]})
    assert (again.status, again.code) == (409, "already_waiting")
    await staff.waitlist.delete(f"{PATH}/{entries[0]['id']}")
    assert (await staff.join(locationId=location_id, contact=somebody())).status == 201


async def test_who_waits_is_looked_at_when_the_policy_changes(service: WaitlistService, staff: Guest) -> None:
    location = await staff.location()
    await staff.joined(locationId=location)
    instance = await staff.full_instance()
    await staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    for place, queue in ((location, f"{location}/{DATE}"), (instance["service_id"], instance["uid"])):
        async with service.database.connection() as conn:
            await conn.execute("DELETE FROM queues WHERE org_id = $1", staff.org_id)
        put = await staff.waitlist.send("PUT", f"{PATH}/policies/{place}", {"strictOrder": True})
        assert put.status == 200, put.body
        async with service.database.connection() as conn:
            rows = await conn.fetch("SELECT queue FROM queues WHERE org_id = $1", staff.org_id)
        assert queue in {row["queue"] for row in rows}
