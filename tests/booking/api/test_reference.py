"""Reference data: one mechanism, seven kinds."""

from datetime import timedelta
from typing import Any

import pytest

from support.booking_service import SOON, Caller
from support.reference_data import DATES, PATHS, WHOLE, filled, key_of

CHANGES: dict[str, dict[str, Any]] = {
    "locations": {
        "timezone": "Europe/Rome",
        "auto_confirm": False,
        "weekly_hours": None,
        "date_overrides": {},
        "visit_minutes": 44_640,
        "interval_minutes": 1440,
        "one_per_attendee": True,
        "complete_after_minutes": None,
    },
    "sections": {"name": "Garden"},
    "tables": {"max_party": 8, "name": "By the door", "combinable": False},
    "schedules": {
        "weekly_hours": None,
        "date_overrides": {"1970-01-02": [], "2199-12-31": []},
        "capacity": 5,
        "max_bookings_per_day": None,
        "max_bookings_per_minute": 1,
        "complete_after_minutes": 0,
    },
    "event-types": {
        "schedule_id": None,
        "requires_confirmation": None,
        "duration_minutes": 90,
        "durations_minutes": None,
        "interval_minutes": None,
        "minimum_notice_minutes": 0,
        "horizon_days": None,
    },
    "clients": {"email": "ada@example.org", "phone": None, "timezone": None},
    "services": {
        "service_type": "appointment",
        "description": None,
        "location_id": None,
        "timezone": "Asia/Tokyo",
        "complete_after_minutes": 0,
    },
}
LEAST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "locations": (
        {"name": "Bistro", "timezone": "UTC"},
        {
            "auto_confirm": False,
            "weekly_hours": None,
            "date_overrides": {},
            "visit_minutes": 90,
            "interval_minutes": 15,
            "one_per_attendee": True,
            "complete_after_minutes": None,
        },
    ),
    "tables": (
        {"location_id": "?", "name": "T", "max_party": 4},
        {"section_id": None, "min_party": 1, "combinable": False},
    ),
    "schedules": (
        {"name": "Room", "timezone": "UTC"},
        {
            "weekly_hours": None,
            "date_overrides": {},
            "capacity": 1,
            "auto_confirm": False,
            "max_bookings_per_day": None,
            "max_bookings_per_minute": None,
            "one_per_attendee": True,
            "complete_after_minutes": 60,
        },
    ),
    "event-types": (
        {"name": "Talk", "duration_minutes": 30},
        {
            "schedule_id": None,
            "durations_minutes": None,
            "interval_minutes": None,
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 0,
            "minimum_notice_minutes": 0,
            "horizon_days": None,
            "requires_confirmation": None,
            "location_type": None,
        },
    ),
    "clients": ({"name": "Ada", "email": "ada@example.com"}, {"phone": None, "timezone": None}),
    "services": (
        {"name": "Yoga", "service_type": "event", "timezone": "UTC"},
        {
            "description": None,
            "location_id": None,
            "duration_minutes": 60,
            "max_attendance": 10,
            "requires_confirmation": False,
            "complete_after_minutes": 60,
        },
    ),
}


@pytest.mark.parametrize("kind", WHOLE)
async def test_one_is_made_read_listed_and_changed(staff: Caller, kind: str) -> None:
    path, key = PATHS[kind], key_of(kind)
    body = await filled(staff, WHOLE[kind])
    made = await staff.post(path, body)
    assert made.status == 201
    assert set(made.data) == {key, "created_at", "updated_at", *body}
    assert [name for name in made.data if name in body] == list(body)
    assert {name: made.data[name] for name in body} == body
    one = f"{path}/{made.data[key]}"
    assert (await staff.get(one)).body == made.body
    assert (await staff.get(path)).data[-1] == made.data
    changed = await staff.patch(one, CHANGES[kind])
    assert changed.status == 200
    assert {name: changed.data[name] for name in body} == {**body, **CHANGES[kind]}
    assert (await staff.get(one)).body == changed.body
    assert (await staff.patch(one, {})).body == changed.body


@pytest.mark.parametrize("kind", LEAST)
async def test_what_is_left_out_has_its_default(staff: Caller, kind: str) -> None:
    least, defaults = LEAST[kind]
    made = await staff.post(PATHS[kind], await filled(staff, least))
    assert {key: made.data[key] for key in defaults} == defaults


async def test_a_list_comes_in_pages(staff: Caller) -> None:
    ids = [await staff.location() for _ in range(5)]
    page = await staff.get("/api/v1/locations?limit=2&offset=1")
    assert [one["id"] for one in page.data] == ids[1:3]
    assert page.body["meta"] == {"total": 5, "limit": 2, "offset": 1, "hasMore": True}
    beyond = await staff.get("/api/v1/locations?offset=9")
    assert (beyond.data, beyond.body["meta"]["hasMore"]) == ([], False)


@pytest.mark.parametrize("kind", WHOLE)
async def test_an_unknown_id_is_not_found(staff: Caller, kind: str) -> None:
    for answer in (
        await staff.get(f"{PATHS[kind]}/none"),
        await staff.patch(f"{PATHS[kind]}/none", {"name": "x"}),
        await staff.delete(f"{PATHS[kind]}/none"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


async def test_a_raised_capacity_takes_more_and_a_lowered_one_less(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=1)
    path = f"/api/v1/schedules/{schedule_id}"
    first = await staff.book(schedule_id=schedule_id)
    assert (await staff.book(schedule_id=schedule_id)).code == "slot_unavailable"
    assert (await staff.patch(path, {"capacity": 2})).status == 200
    second = await staff.book(schedule_id=schedule_id)
    assert second.status == 201
    assert (await staff.book(schedule_id=schedule_id)).code == "slot_unavailable"
    refused = await staff.patch(path, {"capacity": 1})
    assert (refused.status, refused.body["error"]["param"]) == (422, "capacity")
    assert refused.body["error"]["details"]["errors"][0]["rule"] == "in_use"
    told = f"capacity: must be at least 2: lane 2 holds bookings until {second.data['end_time']}"
    assert refused.body["error"]["message"] == told
    await staff.delete(f"/api/v1/bookings/{second.data['id']}")
    assert (await staff.patch(path, {"capacity": 1})).status == 200
    assert (await staff.book(schedule_id=schedule_id)).code == "slot_unavailable"
    await staff.delete(f"/api/v1/bookings/{first.data['id']}")
    assert (await staff.book(schedule_id=schedule_id)).status == 201
    assert (await staff.patch(path, {"capacity": 2})).status == 200
    assert (await staff.book(schedule_id=schedule_id)).status == 201


async def test_a_high_lane_keeps_the_capacity_though_the_lower_ones_are_free(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3)
    first, second, third = [await staff.book(schedule_id=schedule_id) for _ in range(3)]
    later = await staff.book(schedule_id=schedule_id, at=SOON + timedelta(days=1))
    for made in (first, second):
        await staff.delete(f"/api/v1/bookings/{made.data['id']}")
    refused = await staff.patch(f"/api/v1/schedules/{schedule_id}", {"capacity": 2})
    (flaw,) = refused.body["error"]["details"]["errors"]
    assert flaw["message"] == f"must be at least 3: lane 3 holds bookings until {third.data['end_time']}"
    assert later.data["end_time"] not in flaw["message"]  # that one is on lane 1


async def test_what_lies_in_the_past_keeps_no_capacity(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=2)
    for _ in range(2):
        assert (await staff.book(schedule_id=schedule_id, at=SOON - timedelta(days=3650))).status == 201
    assert (await staff.patch(f"/api/v1/schedules/{schedule_id}", {"capacity": 1})).status == 200


async def test_what_changes_about_a_place_leaves_its_bookings_as_they_are(staff: Caller) -> None:
    location_id = await staff.location(auto_confirm=True)
    table_id = await staff.table(location_id, 4)
    schedule_id = await staff.schedule()
    made = [
        await staff.book(location_id=location_id, party_size=4),
        await staff.book(schedule_id=schedule_id),
    ]
    changes = {
        f"tables/{table_id}": {"min_party": 1, "max_party": 2},
        f"schedules/{schedule_id}": {"timezone": "Asia/Tokyo", "weekly_hours": {}, "date_overrides": DATES},
        f"locations/{location_id}": {"timezone": "Asia/Tokyo", "weekly_hours": {}, "auto_confirm": False},
    }
    for path, change in changes.items():
        assert (await staff.patch(f"/api/v1/{path}", change)).status == 200
    for one in made:
        assert (await staff.get(f"/api/v1/bookings/{one.data['id']}")).body == one.body


async def test_a_list_is_filtered(staff: Caller) -> None:
    here, there = await staff.location(), await staff.location()
    schedule_id = await staff.schedule()
    tables = [await staff.table(location_id, 2) for location_id in (here, there, here)]
    section = (await staff.post("/api/v1/sections", {"location_id": there, "name": "Bar"})).data["id"]
    await staff.event_type()
    talk = await staff.event_type(schedule_id=schedule_id)
    for path, found in {
        f"tables?location_id={here}": [tables[0], tables[2]],
        f"tables?location_id={there}": [tables[1]],
        f"tables?location_id={here}&limit=1&offset=1": [tables[2]],
        f"tables?location_id={schedule_id}": [],
        f"sections?location_id={there}": [section],
        f"sections?location_id={here}": [],
        f"event-types?schedule_id={schedule_id}": [talk],
    }.items():
        assert [one["id"] for one in (await staff.get(f"/api/v1/{path}")).data] == found, path
    assert (await staff.get(f"/api/v1/tables?location_id={here}")).body["meta"]["total"] == 2
    refused = await staff.get(f"/api/v1/locations?location_id={here}")
    assert (refused.status, refused.body["error"]["param"]) == (422, "location_id")


async def test_a_table_stands_in_a_section_of_its_own_location(staff: Caller) -> None:
    here, there = await staff.location(), await staff.location()
    terrace, bar = [
        (await staff.post("/api/v1/sections", {"location_id": location_id, "name": "S"})).data["id"]
        for location_id in (here, there)
    ]
    table_id = await staff.table(here, 4, section_id=terrace)
    path = f"/api/v1/tables/{table_id}"
    refused = await staff.patch(path, {"section_id": bar})
    assert refused.body["error"]["details"]["errors"] == [
        {
            "param": "section_id",
            "message": "must be the id of a section of the table's own location",
            "rule": "location_id",
        }
    ]
    assert (await staff.get(path)).data["section_id"] == terrace
    assert (await staff.patch(path, {"section_id": None})).data["section_id"] is None


async def test_a_repeated_post_with_an_idempotency_key_makes_one(staff: Caller) -> None:
    body = {"name": "Bistro", "timezone": "UTC"}
    first = await staff.post("/api/v1/locations", body, Idempotency_Key="a")
    again = await staff.post("/api/v1/locations", body, Idempotency_Key="a")
    assert first.body == again.body
    assert (await staff.get("/api/v1/locations")).body["meta"]["total"] == 1
