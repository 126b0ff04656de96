"""Locations, tables, schedules and event types: one mechanism, four kinds."""

from datetime import timedelta
from typing import Any

import pytest

from support.booking_service import SOON, Caller

HOURS = {"monday": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "02:00"}]}
WHOLE: dict[str, dict[str, Any]] = {
    "locations": {"name": "Bistro", "timezone": "Europe/Paris", "auto_confirm": True},
    "tables": {"location_id": "?", "name": "By the window", "min_party": 2, "max_party": 4},
    "schedules": {
        "name": "Room",
        "timezone": "Europe/Paris",
        "weekly_hours": HOURS,
        "capacity": 3,
        "auto_confirm": True,
    },
    "event-types": {
        "name": "Talk",
        "schedule_id": "?",
        "duration_minutes": 45,
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "requires_confirmation": False,
        "location_type": "phone",
    },
}
CHANGES: dict[str, dict[str, Any]] = {
    "locations": {"timezone": "Europe/Rome", "auto_confirm": False},
    "tables": {"max_party": 8, "name": "By the door"},
    "schedules": {"weekly_hours": None, "capacity": 5},
    "event-types": {"schedule_id": None, "requires_confirmation": None, "duration_minutes": 30},
}
LEAST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "locations": ({"name": "Bistro", "timezone": "UTC"}, {"auto_confirm": False}),
    "tables": ({"location_id": "?", "name": "T", "max_party": 4}, {"min_party": 1}),
    "schedules": (
        {"name": "Room", "timezone": "UTC"},
        {"weekly_hours": None, "capacity": 1, "auto_confirm": False},
    ),
    "event-types": (
        {"name": "Talk", "duration_minutes": 30},
        {
            "schedule_id": None,
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 0,
            "requires_confirmation": None,
            "location_type": None,
        },
    ),
}


async def filled(staff: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """The body with ids that exist."""
    makers = {"location_id": staff.location, "schedule_id": staff.schedule}
    return {key: await makers[key]() if value == "?" else value for key, value in body.items()}


@pytest.mark.parametrize("kind", WHOLE)
async def test_one_is_made_read_listed_and_changed(staff: Caller, kind: str) -> None:
    path = f"/api/v1/{kind}"
    body = await filled(staff, WHOLE[kind])
    before = (await staff.get(path)).body["meta"]["total"]
    made = await staff.post(path, body)
    assert made.status == 201
    assert list(made.data) == ["id", "created_at", "updated_at", *body]
    assert {key: made.data[key] for key in body} == body
    one = f"{path}/{made.data['id']}"
    assert (await staff.get(one)).body == made.body
    listed = await staff.get(path)
    assert listed.data[-1] == made.data
    assert listed.body["meta"] == {"total": before + 1, "limit": 50, "offset": 0, "hasMore": False}
    changed = await staff.patch(one, CHANGES[kind])
    assert changed.status == 200
    assert {key: changed.data[key] for key in body} == {**body, **CHANGES[kind]}
    assert (await staff.get(one)).body == changed.body
    assert (await staff.patch(one, {})).body == changed.body


@pytest.mark.parametrize("kind", LEAST)
async def test_what_is_left_out_has_its_default(staff: Caller, kind: str) -> None:
    least, defaults = LEAST[kind]
    made = await staff.post(f"/api/v1/{kind}", await filled(staff, least))
    assert {key: made.data[key] for key in defaults} == defaults


async def test_a_list_comes_in_pages(staff: Caller) -> None:
    ids = [await staff.location() for _ in range(5)]
    page = await staff.get("/api/v1/locations?limit=2&offset=1")
    assert [one["id"] for one in page.data] == ids[1:3]
    assert page.body["meta"] == {"total": 5, "limit": 2, "offset": 1, "hasMore": True}
    beyond = await staff.get("/api/v1/locations?offset=9")
    assert (beyond.data, beyond.body["meta"]["hasMore"]) == ([], False)


@pytest.mark.parametrize(
    ("kind", "fields", "param"),
    [
        ("locations", {"name": ""}, "name"),
        ("locations", {"timezone": "Mars"}, "timezone"),
        ("locations", {"auto_confirm": 1}, "auto_confirm"),
        ("locations", {"color": "red"}, "color"),
        ("tables", {"location_id": "loc_none"}, "location_id"),
        ("tables", {"min_party": 5}, "max_party"),
        ("tables", {"max_party": 0}, "max_party"),
        ("schedules", {"capacity": 0}, "capacity"),
        ("schedules", {"capacity": 1001}, "capacity"),
        ("schedules", {"weekly_hours": {"mon": []}}, "weekly_hours.mon.[key]"),
        ("schedules", {"weekly_hours": {"monday": [{"start": "9:00", "end": "17:00"}]}}, "weekly_hours.monday.0.start"),
        ("schedules", {"weekly_hours": {"monday": [{"start": "09:00", "end": "24:00"}]}}, "weekly_hours.monday.0.end"),
        ("schedules", {"weekly_hours": {"monday": [{"start": "09:00"}]}}, "weekly_hours.monday.0.end"),
        ("event-types", {"schedule_id": "sch_none"}, "schedule_id"),
        ("event-types", {"duration_minutes": 0}, "duration_minutes"),
        ("event-types", {"buffer_after_minutes": -1}, "buffer_after_minutes"),
        ("event-types", {"location_type": "moon"}, "location_type"),
    ],
)
async def test_bad_input_is_refused_in_making_and_changing(
    staff: Caller, kind: str, fields: dict[str, Any], param: str
) -> None:
    path = f"/api/v1/{kind}"
    body = await filled(staff, WHOLE[kind])
    made = await staff.post(path, body)
    refused = await staff.post(path, {**body, **fields})
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    refused = await staff.patch(f"{path}/{made.data['id']}", fields)
    assert (refused.status, refused.code, refused.body["error"]["param"]) == (422, "validation_failed", param)
    assert (await staff.get(f"{path}/{made.data['id']}")).body == made.body
    assert (await staff.get(path)).data[-1] == made.data


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("locations", "name"),
        ("locations", "timezone"),
        ("tables", "max_party"),
        ("schedules", "capacity"),
        ("schedules", "auto_confirm"),
        ("event-types", "duration_minutes"),
    ],
)
async def test_what_must_have_a_value_cannot_be_taken_away(staff: Caller, kind: str, field: str) -> None:
    made = await staff.post(f"/api/v1/{kind}", await filled(staff, WHOLE[kind]))
    refused = await staff.patch(f"/api/v1/{kind}/{made.data['id']}", {field: None})
    assert (refused.status, refused.body["error"]["param"]) == (422, field)


@pytest.mark.parametrize("kind", WHOLE)
async def test_an_unknown_id_is_not_found(staff: Caller, kind: str) -> None:
    for answer in (await staff.get(f"/api/v1/{kind}/none"), await staff.patch(f"/api/v1/{kind}/none", {"name": "x"})):
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


async def test_a_table_keeps_its_location(staff: Caller) -> None:
    table_id = await staff.table(await staff.location(), 4)
    refused = await staff.patch(f"/api/v1/tables/{table_id}", {"location_id": await staff.location()})
    assert (refused.status, refused.body["error"]["param"]) == (422, "location_id")


async def test_a_repeated_post_with_an_idempotency_key_makes_one(staff: Caller) -> None:
    body = {"name": "Bistro", "timezone": "UTC"}
    first = await staff.post("/api/v1/locations", body, Idempotency_Key="a")
    again = await staff.post("/api/v1/locations", body, Idempotency_Key="a")
    assert first.body == again.body
    assert (await staff.get("/api/v1/locations")).body["meta"]["total"] == 1
