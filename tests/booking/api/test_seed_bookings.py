"""Seed 001's five requests, with only host, key and ids changed, and the shapes it documents."""

from typing import Any

import pytest

from support.booking_service import SOON, Caller, text

SEED_BODY: dict[str, Any] = {
    "start_time": "2024-02-15T10:00:00Z",
    "end_time": "2024-02-15T11:00:00Z",
    "timezone": "America/Los_Angeles",
    "title": "Consultation Call",
    "location": "Zoom",
    "location_type": "video",
    "attendee": {
        "name": "John Doe",
        "email": "john@example.com",
        "phone": "+1234567890",
        "timezone": "America/New_York",
        "notes": "First-time visitor",
    },
    "metadata": {"source": "website"},
}
KEYS = [
    "id",
    "schedule_id",
    "start_time",
    "end_time",
    "status",
    "title",
    "attendee_name",
    "attendee_email",
    "created_at",
    "event_type_id",
    "timezone",
    "location",
    "location_type",
    "attendee_phone",
    "attendee_timezone",
    "attendee_notes",
    "metadata",
    "location_id",
    "table_ids",
    "party_size",
    "source",
    "event_instance_id",
    "version",
    "updated_at",
]


@pytest.fixture
async def ids(staff: Caller) -> dict[str, str]:
    schedule_id = await staff.schedule()
    return {"schedule_id": schedule_id, "event_type_id": await staff.event_type(schedule_id=schedule_id)}


async def test_create(staff: Caller, ids: dict[str, str]) -> None:
    made = await staff.post("/api/v1/bookings", {**ids, **SEED_BODY})
    assert made.status == 201
    assert list(made.body) == ["data"]
    assert list(made.data) == KEYS
    assert made.data["id"].startswith("bk_")
    assert made.data["created_at"] == made.data["updated_at"]
    assert {key: value for key, value in made.data.items() if key not in {"id", "created_at", "updated_at"}} == {
        **ids,
        "start_time": "2024-02-15T10:00:00Z",
        "end_time": "2024-02-15T11:00:00Z",
        "status": "PENDING",
        "title": "Consultation Call",
        "attendee_name": "John Doe",
        "attendee_email": "john@example.com",
        "timezone": "America/Los_Angeles",
        "location": "Zoom",
        "location_type": "video",
        "attendee_phone": "+1234567890",
        "attendee_timezone": "America/New_York",
        "attendee_notes": "First-time visitor",
        "metadata": {"source": "website"},
        "location_id": None,
        "table_ids": [],
        "party_size": 1,
        "source": "api",
        "event_instance_id": None,
        "version": 1,
    }


async def test_list(staff: Caller, ids: dict[str, str]) -> None:
    body = {**ids, **SEED_BODY}
    past = (await staff.post("/api/v1/bookings", body)).data["id"]
    times = {"start_time": text(SOON), "end_time": text(SOON.replace(hour=11))}
    future = (await staff.post("/api/v1/bookings", {**body, **times})).data["id"]
    for booking_id in (past, future):
        await staff.patch(f"/api/v1/bookings/{booking_id}", {"status": "CONFIRMED"})
    listed = await staff.get("/api/v1/bookings?upcoming=true&status=CONFIRMED")
    assert listed.status == 200
    assert list(listed.body) == ["data", "meta"]
    assert [booking["id"] for booking in listed.data] == [future]
    assert list(listed.data[0]) == KEYS
    assert listed.body["meta"] == {"total": 1, "limit": 50, "offset": 0, "hasMore": False}


async def test_get(staff: Caller, ids: dict[str, str]) -> None:
    made = await staff.post("/api/v1/bookings", {**ids, **SEED_BODY})
    got = await staff.get(f"/api/v1/bookings/{made.data['id']}")
    assert (got.status, got.body) == (200, made.body)


async def test_update(staff: Caller, ids: dict[str, str]) -> None:
    made = await staff.post("/api/v1/bookings", {**ids, **SEED_BODY})
    changed = await staff.patch(
        f"/api/v1/bookings/{made.data['id']}", {"status": "CONFIRMED", "metadata": {"confirmed_by": "admin"}}
    )
    assert changed.status == 200
    assert list(changed.data) == KEYS
    assert changed.data["status"] == "CONFIRMED"
    assert changed.data["metadata"] == {"source": "website", "confirmed_by": "admin"}
    assert changed.data["version"] == 2
    assert changed.data["updated_at"] >= made.data["updated_at"]


async def test_cancel(staff: Caller, ids: dict[str, str]) -> None:
    made = await staff.post("/api/v1/bookings", {**ids, **SEED_BODY})
    path = f"/api/v1/bookings/{made.data['id']}"
    expected = {"data": {"id": made.data["id"], "status": "CANCELLED", "cancelled": True}}
    for _ in range(2):
        cancelled = await staff.delete(path)
        assert (cancelled.status, cancelled.body) == (200, expected)
    kept = await staff.get(path)
    assert (kept.data["status"], kept.data["version"]) == ("CANCELLED", 2)
