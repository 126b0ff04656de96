"""Bookings over their life: hours, buffers, confirmation, status, moves, and what each frees."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.booking_service import SOON, Answer, Caller, text

HOUR = timedelta(hours=1)
PAST = datetime(2024, 2, 15, 10, tzinfo=UTC)


async def move(staff: Caller, made: Answer, **fields: Any) -> Answer:
    return await staff.patch(f"/api/v1/bookings/{made.data['id']}", fields)


def times(start: datetime, minutes: int = 60) -> dict[str, str]:
    return {"start_time": text(start), "end_time": text(start + timedelta(minutes=minutes))}


async def test_bookings_may_touch_and_not_overlap(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    assert (await staff.book(schedule_id=schedule_id)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=SOON - HOUR)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR / 2)).code == "slot_unavailable"


async def test_buffers_keep_others_away(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    event_type_id = await staff.event_type(buffer_before_minutes=10, buffer_after_minutes=20)
    made = await staff.book(schedule_id=schedule_id, event_type_id=event_type_id)
    assert (made.data["start_time"], made.data["end_time"]) == (text(SOON), text(SOON + HOUR))
    for at, minutes, status in (
        (SOON - HOUR, 51, 409),
        (SOON - HOUR, 50, 201),
        (SOON + HOUR + timedelta(minutes=19), 10, 409),
        (SOON + HOUR + timedelta(minutes=20), 10, 201),
    ):
        assert (await staff.book(schedule_id=schedule_id, at=at, minutes=minutes)).status == status


@pytest.mark.parametrize(
    ("schedule", "event_type", "status"),
    [
        ({}, None, "PENDING"),
        ({"auto_confirm": True}, None, "CONFIRMED"),
        ({"auto_confirm": True}, {"requires_confirmation": True}, "PENDING"),
        ({}, {"requires_confirmation": False}, "CONFIRMED"),
        ({"auto_confirm": True}, {}, "CONFIRMED"),
    ],
)
async def test_what_confirms_at_once_tells_only_that_it_was_created(
    staff: Caller, schedule: dict[str, Any], event_type: dict[str, Any] | None, status: str
) -> None:
    ids = {"schedule_id": await staff.schedule(**schedule)}
    if event_type is not None:
        ids["event_type_id"] = await staff.event_type(**event_type)
    made = await staff.book(**ids)
    assert made.data["status"] == status
    events = (await staff.get(f"/v1/reservations/{made.data['id']}/events")).body["data"]
    assert [event["type"] for event in events] == ["reservation.created"]


async def test_outside_the_hours_staff_must_say_so(staff: Caller) -> None:
    day = SOON.strftime("%A").lower()
    schedule_id = await staff.schedule(timezone="UTC", weekly_hours={day: [{"start": "09:00", "end": "12:00"}]})
    refused = await staff.book(schedule_id=schedule_id, at=SOON.replace(hour=11, minute=30))
    assert (refused.status, refused.code) == (422, "outside_availability")
    made = await staff.book(schedule_id=schedule_id, at=SOON)
    assert made.status == 201
    refused = await move(staff, made, **times(SOON.replace(hour=12)))
    assert (refused.status, refused.code) == (422, "outside_availability")
    moved = await move(staff, made, **times(SOON.replace(hour=12)), override_availability=True)
    assert moved.data["start_time"] == text(SOON.replace(hour=12))
    taken = await staff.book(schedule_id=schedule_id, at=SOON.replace(hour=12), override_availability=True)
    assert taken.code == "slot_unavailable"  # overlaps are refused always
    assert (await move(staff, moved, title="Outside, and edited")).status == 200


async def test_a_schedule_with_hours_on_no_day_is_closed_and_one_without_hours_never(staff: Caller) -> None:
    never: list[dict[str, list[Any]]] = [{}, {"monday": []}]
    for hours in never:
        schedule_id = await staff.schedule(weekly_hours=hours)
        assert (await staff.book(schedule_id=schedule_id)).code == "outside_availability"
        assert (await staff.book(schedule_id=schedule_id, override_availability=True)).status == 201
    opened = await staff.patch(f"/api/v1/schedules/{schedule_id}", {"weekly_hours": None})
    assert opened.data["weekly_hours"] is None
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).status == 201


async def test_a_walk_in_sits_at_once(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), status="SEATED", party_size=3)
    assert made.data["status"] == "SEATED"
    events = (await staff.get(f"/v1/reservations/{made.data['id']}/events")).body["data"]
    assert [event["data"] for event in events] == [{"source": "api", "party_size": 3, "walk_in": True}]


@pytest.mark.parametrize("status", ["CANCELLED", "DECLINED", "NO_SHOW"])
async def test_what_does_not_take_place_frees_its_slot(staff: Caller, status: str) -> None:
    schedule_id = await staff.schedule(auto_confirm=status == "NO_SHOW")
    made = await staff.book(schedule_id=schedule_id, at=PAST)
    assert (await move(staff, made, status=status)).data["status"] == status
    assert (await staff.book(schedule_id=schedule_id, at=PAST)).status == 201


async def test_a_mended_no_show_claims_its_time_again(staff: Caller) -> None:
    schedule_id = await staff.schedule(auto_confirm=True)
    made = await staff.book(schedule_id=schedule_id, at=PAST)
    await move(staff, made, status="NO_SHOW")
    assert (await move(staff, made, status="CONFIRMED")).code == "invalid_status_transition"
    taker = await staff.book(schedule_id=schedule_id, at=PAST)
    assert (await move(staff, made, status="CONFIRMED", correction=True)).code == "slot_unavailable"
    await staff.delete(f"/api/v1/bookings/{taker.data['id']}")
    assert (await move(staff, made, status="CONFIRMED", correction=True)).data["status"] == "CONFIRMED"
    assert (await staff.book(schedule_id=schedule_id, at=PAST)).code == "slot_unavailable"


async def test_a_completed_booking_frees_what_remains_of_its_time(staff: Caller) -> None:
    schedule_id = await staff.schedule(auto_confirm=True)
    now = datetime.now(UTC).replace(microsecond=0)
    made = await staff.book(schedule_id=schedule_id, at=now - HOUR, minutes=180)
    assert (await staff.book(schedule_id=schedule_id, at=now + timedelta(minutes=5))).code == "slot_unavailable"
    assert (await move(staff, made, status="COMPLETED")).data["end_time"] == text(now + 2 * HOUR)
    assert (await staff.book(schedule_id=schedule_id, at=now + timedelta(minutes=5), minutes=30)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=now - HOUR, minutes=30)).code == "slot_unavailable"


async def test_what_is_moved_and_completed_at_once_frees_what_remains_and_needs_no_more(staff: Caller) -> None:
    schedule_id = await staff.schedule(auto_confirm=True)
    now = datetime.now(UTC).replace(microsecond=0)
    made = await staff.book(schedule_id=schedule_id, at=now - HOUR, minutes=120)
    assert (await staff.book(schedule_id=schedule_id, at=now + HOUR)).status == 201
    over_the_next = {"start_time": text(now - HOUR * 1.5), "end_time": text(now + HOUR * 1.5)}
    completed = await move(staff, made, status="COMPLETED", **over_the_next)
    assert (completed.status, completed.data["end_time"]) == (200, over_the_next["end_time"])
    assert (await staff.book(schedule_id=schedule_id, at=now + timedelta(minutes=5), minutes=30)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=now - HOUR * 1.5, minutes=30)).code == "slot_unavailable"


async def test_a_move_frees_the_old_time_and_takes_the_new_one(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    made = await staff.book(schedule_id=schedule_id)
    overlapping_itself = await move(staff, made, **times(SOON + HOUR / 2))
    assert overlapping_itself.data["start_time"] == text(SOON + HOUR / 2)
    assert (await staff.book(schedule_id=schedule_id, at=SOON, minutes=30)).status == 201
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).code == "slot_unavailable"
    assert (await move(staff, made, end_time=text(SOON + HOUR))).status == 200
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).status == 201
    before = await staff.get(f"/api/v1/bookings/{made.data['id']}")
    assert (await move(staff, made, title="Tea", **times(SOON + HOUR))).code == "slot_unavailable"
    assert (await staff.get(f"/api/v1/bookings/{made.data['id']}")).body == before.body


async def test_a_move_may_change_lanes(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=2)
    first = await staff.book(schedule_id=schedule_id)
    second = await staff.book(schedule_id=schedule_id, at=SOON + HOUR)
    third = await staff.book(schedule_id=schedule_id, at=SOON + HOUR)
    assert (await move(staff, first, **times(SOON + HOUR))).code == "slot_unavailable"
    await staff.delete(f"/api/v1/bookings/{third.data['id']}")
    assert (await move(staff, first, **times(SOON + HOUR))).status == 200
    assert (await move(staff, second, **times(SOON))).status == 200


async def test_details_come_first_then_the_status_all_or_nothing(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), metadata={"a": 1, "b": 2})
    changed = await move(
        staff, made, status="CONFIRMED", attendee={"phone": "1", "notes": None}, metadata={"a": None, "c": 3}
    )
    assert changed.data["metadata"] == {"b": 2, "c": 3}
    assert (changed.data["status"], changed.data["attendee_phone"], changed.data["version"]) == ("CONFIRMED", "1", 2)
    events = (await staff.get(f"/v1/reservations/{made.data['id']}/events")).body["data"]
    assert [(event["type"], event["data"]) for event in events[1:]] == [
        (
            "reservation.updated",
            {
                "changes": {
                    "attendee_phone": {"from": None, "to": "1"},
                    "metadata": {"from": {"a": 1, "b": 2}, "to": {"b": 2, "c": 3}},
                }
            },
        ),
        ("reservation.confirmed", {"from_status": "pending", "to_status": "confirmed"}),
    ]


@pytest.mark.parametrize(("before", "after"), [(1, True), (False, 0), (1, 1.0), ([0], [False])])
async def test_metadata_changes_when_its_json_does(staff: Caller, before: object, after: object) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), metadata={"vip": before})
    changed = await move(staff, made, metadata={"vip": after})
    assert (json.dumps(changed.data["metadata"]), changed.data["version"]) == (json.dumps({"vip": after}), 2)
    read = await staff.get(f"/api/v1/bookings/{made.data['id']}")
    assert json.dumps(read.data["metadata"]) == json.dumps({"vip": after})
    events = (await staff.get(f"/v1/reservations/{made.data['id']}/events")).body["data"]
    told = {"changes": {"metadata": {"from": {"vip": before}, "to": {"vip": after}}}}
    assert json.dumps(events[-1]["data"]) == json.dumps(told)


@pytest.mark.parametrize("fields", [{}, {"status": "PENDING"}, {"title": None}, {"metadata": {"x": None}}, times(SOON)])
async def test_a_patch_that_changes_nothing_leaves_no_trace(staff: Caller, fields: dict[str, Any]) -> None:
    made = await staff.book(schedule_id=await staff.schedule())
    unchanged = await move(staff, made, **fields)
    assert (unchanged.status, unchanged.body) == (200, made.body)
    assert len((await staff.get(f"/v1/reservations/{made.data['id']}/events")).body["data"]) == 1


async def test_a_seated_booking_cannot_be_cancelled(staff: Caller) -> None:
    made = await staff.book(schedule_id=await staff.schedule(), status="SEATED")
    refused = await staff.delete(f"/api/v1/bookings/{made.data['id']}")
    assert (refused.status, refused.code) == (409, "invalid_status_transition")
    assert refused.body["error"]["details"] == {"from_status": "SEATED", "to_status": "CANCELLED"}


@pytest.mark.parametrize("version", ["1", '"1"', "*"])
async def test_the_version_the_caller_saw_lets_it_change(staff: Caller, version: str) -> None:
    made = await staff.book(schedule_id=await staff.schedule())
    changed = await staff.patch(f"/api/v1/bookings/{made.data['id']}", {"title": "Tea"}, If_Match=version)
    assert changed.data["version"] == 2
    assert (await staff.patch(f"/api/v1/bookings/{made.data['id']}", {"title": "x"}, If_Match="1")).status == 409


async def test_a_repeated_post_with_an_idempotency_key_books_once(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=5)
    first = await staff.post("/api/v1/bookings", {"schedule_id": schedule_id, **BODY}, Idempotency_Key="k1")
    again = await staff.post("/api/v1/bookings", {"schedule_id": schedule_id, **BODY}, Idempotency_Key="k1")
    assert (again.status, again.body) == (201, first.body)
    other = await staff.post(
        "/api/v1/bookings", {"schedule_id": schedule_id, **BODY, "title": "x"}, Idempotency_Key="k1"
    )
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert (await staff.get("/api/v1/bookings")).body["meta"]["total"] == 1


BODY: dict[str, Any] = {**times(SOON), "attendee": {"name": "Ada", "email": "ada@example.com"}}


async def test_a_booking_meets_as_its_event_type_says_unless_it_says_otherwise(staff: Caller) -> None:
    schedule_id, video = await staff.schedule(capacity=2), await staff.event_type(location_type="video")
    meetings = [
        await staff.book(schedule_id=schedule_id, event_type_id=video, **said)
        for said in ({}, {"location_type": "phone"})
    ]
    assert [made.data["location_type"] for made in meetings] == ["video", "phone"]


async def test_who_did_not_come_keeps_the_time_at_which_they_did_not(staff: Caller) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    made = await staff.book(schedule_id=await staff.schedule(auto_confirm=True), at=now - timedelta(hours=2))
    path = f"/api/v1/bookings/{made.data['id']}"
    assert (await staff.patch(path, {"status": "NO_SHOW"})).status == 200
    times = {"start_time": text(SOON), "end_time": text(SOON + timedelta(hours=1))}
    refused = await staff.patch(path, times)
    assert (refused.status, refused.code) == (409, "invalid_status_transition")
    assert (await staff.patch(path, {**times, "status": "CONFIRMED", "correction": True})).status == 200
