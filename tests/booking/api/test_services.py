"""Services, as seed 002 lists them."""

import asyncio
from typing import Any

import pytest

from support.booking_service import SOON, Caller, text
from support.reference_data import made

PATH = "/v2/settings/services"
YOGA: dict[str, Any] = {"name": "Yoga", "service_type": "event", "timezone": "UTC"}


async def test_the_seeds_request_finds_the_uid_of_an_event_service(staff: Caller) -> None:
    await made(staff, "services", service_type="appointment")
    uid = await made(staff, "services", service_type="event")
    listed = await staff.get(f"{PATH}?business_id={staff.org_id}&per_page=10")
    assert listed.body["meta"] == {"total": 2, "page": 1, "per_page": 10, "hasMore": False}
    assert [one["uid"] for one in listed.data if one["service_type"] == "event"] == [uid]
    assert list(listed.data[0])[:3] == ["uid", "name", "service_type"]


async def test_a_list_comes_in_pages_of_25(staff: Caller) -> None:
    uids = [(await staff.post(PATH, {**YOGA, "name": f"Yoga {number}"})).data["uid"] for number in range(27)]

    async def listed(query: str) -> list[str]:
        return [one["uid"] for one in (await staff.get(f"{PATH}{query}")).data]

    assert await listed("") == uids[:25]
    assert await listed("?page=2") == uids[25:]
    assert (await staff.get(PATH)).body["meta"] == {"total": 27, "page": 1, "per_page": 25, "hasMore": True}
    assert await listed("?page=3&per_page=10") == uids[20:]
    assert await listed("?per_page=100") == uids
    assert await listed("?page=1000000&per_page=100") == []


async def test_a_service_has_its_locations_zone_unless_it_has_its_own(staff: Caller) -> None:
    location_id = await staff.location(timezone="Asia/Tokyo")
    body = {"name": "Yoga", "service_type": "event"}
    at_location = await staff.post(PATH, {**body, "location_id": location_id})
    assert at_location.data["timezone"] == "Asia/Tokyo"
    own = await staff.post(PATH, {**body, "location_id": location_id, "timezone": "Europe/Rome"})
    assert own.data["timezone"] == "Europe/Rome"
    refused = await staff.post(PATH, body)
    assert (refused.status, refused.body["error"]["param"]) == (422, "timezone")
    moved = await staff.patch(f"{PATH}/{at_location.data['uid']}", {"location_id": None})
    assert (moved.data["location_id"], moved.data["timezone"]) == (None, "Asia/Tokyo")


@pytest.mark.parametrize("missing", ["name", "service_type"])
async def test_what_must_be_given(staff: Caller, missing: str) -> None:
    refused = await staff.post(PATH, {name: value for name, value in YOGA.items() if name != missing})
    assert (refused.status, refused.body["error"]["param"]) == (422, missing)


async def test_its_instances_take_from_it_what_they_leave_out(staff: Caller) -> None:
    uid = await made(staff, "services")
    instance = await staff.post("/v2/event_instances", {"service_id": uid, "start_time": text(SOON)})
    service = (await staff.get(f"{PATH}/{uid}")).data
    assert {name: instance.data[name] for name in ("timezone", "location_id", "max_attendance")} == {
        name: service[name] for name in ("timezone", "location_id", "max_attendance")
    }
    await staff.patch(f"{PATH}/{uid}", {"max_attendance": 3, "timezone": "UTC"})
    assert (await staff.get(f"/v2/event_instances/{instance.data['uid']}")).body == instance.body


async def test_a_service_with_instances_stays_one_of_events(staff: Caller) -> None:
    uid = await made(staff, "services", location_id=None)
    path = f"{PATH}/{uid}"
    before = (await staff.get(path)).data
    instance = await staff.post("/v2/event_instances", {"service_id": uid, "start_time": text(SOON)})
    refused = await staff.patch(path, {"service_type": "appointment", "name": "Talk"})
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert refused.body["error"]["details"]["errors"] == [
        {
            "param": "service_type",
            "message": "must stay event: 1 event instance belongs to this service",
            "rule": "in_use",
        }
    ]
    assert (await staff.get(path)).data == before
    assert (await staff.patch(path, {"service_type": "event", "name": "Talk"})).data["name"] == "Talk"
    await staff.delete(f"/v2/event_instances/{instance.data['uid']}")
    for service_type in ("appointment", "event"):
        assert (await staff.patch(path, {"service_type": service_type})).data["service_type"] == service_type


async def test_a_service_becomes_one_of_appointments_or_gets_an_instance(staff: Caller) -> None:
    outcomes = []
    for number in range(12):
        uid = await made(staff, "services", location_id=None)
        doing = [
            staff.patch(f"{PATH}/{uid}", {"service_type": "appointment"}),
            staff.post("/v2/event_instances", {"service_id": uid, "start_time": text(SOON)}),
        ]
        first, second = await asyncio.gather(*(doing if number % 2 else reversed(doing)))
        outcomes.append((first.status, second.status) if number % 2 else (second.status, first.status))
    assert set(outcomes) <= {(200, 422), (422, 201)}
