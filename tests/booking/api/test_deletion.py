"""Deleting reference data: what nothing uses is gone, what something uses stays and is told why."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller, Service, text
from support.reference_data import PATHS, WHOLE, filled, key_of, made


def is_gone(answer: Answer, key: str, one: str) -> bool:
    return (answer.status, answer.body) == (200, {"data": {key: one, "deleted": True}})


def check_in_use(answer: Answer, message: str, details: dict[str, int]) -> None:
    error = answer.body["error"]
    assert (answer.status, error["code"], error["message"]) == (409, "in_use", message)
    assert error["details"] == details
    assert "param" not in error


@pytest.mark.parametrize("kind", WHOLE)
async def test_what_is_deleted_is_found_nowhere(staff: Caller, db: Database, kind: str) -> None:
    path, key = PATHS[kind], key_of(kind)
    kept, one = await made(staff, kind), await made(staff, kind)
    assert is_gone(await staff.delete(f"{path}/{one}"), key, one)
    for answer in (
        await staff.get(f"{path}/{one}"),
        await staff.patch(f"{path}/{one}", {"name": "Back again"}),
        await staff.delete(f"{path}/{one}"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    listed = [row[key] for row in (await staff.get(path)).data]
    assert kept in listed
    assert one not in listed
    async with db.connection() as conn:
        table = kind.replace("-", "_")
        assert await conn.fetchval(f"SELECT name FROM {table} WHERE id = $1 AND deleted_at IS NOT NULL", one)


async def test_what_is_deleted_is_named_by_nothing_new(staff: Caller) -> None:
    location_id, schedule_id = await staff.location(), await staff.schedule()
    here = await staff.location()
    section_id = await made(staff, "sections", location_id=here)
    for kind, one in {"locations": location_id, "schedules": schedule_id, "sections": section_id}.items():
        assert (await staff.delete(f"{PATHS[kind]}/{one}")).status == 200
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("tables", "location_id", {"location_id": location_id}),
        ("tables", "section_id", {"location_id": here, "section_id": section_id}),
        ("sections", "location_id", {"location_id": location_id}),
        ("event-types", "schedule_id", {"schedule_id": schedule_id}),
        ("services", "location_id", {"location_id": location_id}),
    ]
    for kind, param, fields in asked:
        refused = await staff.post(PATHS[kind], {**await filled(staff, {**WHOLE[kind], **fields})})
        assert (refused.status, refused.body["error"]["param"]) == (422, param)
    for fields in ({"schedule_id": schedule_id}, {"location_id": location_id}):
        for refused in (await staff.book(**fields), await staff.hold(**fields)):
            assert (refused.status, refused.body["error"]["param"]) == (422, next(iter(fields)))
        assert (
            await staff.get(f"/api/v1/availability?{next(iter(fields))}={next(iter(fields.values()))}")
        ).status == 422


async def test_a_schedule_is_kept_by_what_uses_it(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3)
    path = f"/api/v1/schedules/{schedule_id}"
    one = await staff.book(schedule_id=schedule_id)
    two = await staff.book(schedule_id=schedule_id, at=SOON + timedelta(days=1))
    event_type_id = await staff.event_type(schedule_id=schedule_id)
    hold_id = (await staff.hold(schedule_id=schedule_id)).data["id"]
    check_in_use(
        await staff.delete(path),
        f"2 bookings use this schedule, the last until {two.data['end_time']}; 1 hold claims this schedule;"
        " 1 event type belongs to this schedule",
        {"bookings": 2, "holds": 1, "event_types": 1},
    )
    await staff.delete(f"/api/v1/holds/{hold_id}")
    assert (await staff.delete(f"/api/v1/event-types/{event_type_id}")).status == 200
    await staff.delete(f"/api/v1/bookings/{two.data['id']}")
    check_in_use(
        await staff.delete(path),
        f"1 booking uses this schedule, until {one.data['end_time']}",
        {"bookings": 1},
    )
    assert (await staff.patch(path, {"name": "Still here"})).status == 200
    assert (await staff.book(schedule_id=schedule_id)).status == 201


async def test_a_booking_that_was_completed_long_ago_keeps_its_schedule(staff: Caller) -> None:
    schedule_id = await staff.schedule(auto_confirm=True)
    booked = await staff.book(schedule_id=schedule_id, at=SOON - timedelta(days=3650))
    assert (await staff.patch(f"/api/v1/bookings/{booked.data['id']}", {"status": "COMPLETED"})).status == 200
    check_in_use(
        await staff.delete(f"/api/v1/schedules/{schedule_id}"),
        f"1 booking uses this schedule, until {booked.data['end_time']}",
        {"bookings": 1},
    )


async def test_a_location_is_kept_by_what_is_there(staff: Caller) -> None:
    location_id = await staff.location()
    path = f"/api/v1/locations/{location_id}"
    section_id = await made(staff, "sections", location_id=location_id)
    tables = [await staff.table(location_id, 4, section_id=section_id) for _ in range(3)]
    service_id = await made(staff, "services", location_id=location_id)
    check_in_use(
        await staff.delete(path),
        "3 tables stand at this location; 1 section belongs to this location; 1 service takes place at this location",
        {"tables": 3, "sections": 1, "services": 1},
    )
    check_in_use(await staff.delete(f"/api/v1/sections/{section_id}"), "3 tables stand in this section", {"tables": 3})
    for one in [
        *(f"/api/v1/tables/{table_id}" for table_id in tables),
        f"/api/v1/sections/{section_id}",
        f"/v2/settings/services/{service_id}",
        path,
    ]:
        assert (await staff.delete(one)).status == 200


async def test_a_table_is_kept_by_bookings_and_holds_that_have_it(staff: Caller) -> None:
    location_id = await staff.location()
    booked, held, free = [await staff.table(location_id, 4) for _ in range(3)]
    booking = await staff.book(location_id=location_id, table_ids=[booked])
    hold = await staff.hold(location_id=location_id, table_ids=[held])
    check_in_use(
        await staff.delete(f"/api/v1/tables/{booked}"),
        f"1 booking uses this table, until {booking.data['end_time']}",
        {"bookings": 1},
    )
    check_in_use(await staff.delete(f"/api/v1/tables/{held}"), "1 hold claims this table", {"holds": 1})
    assert (await staff.delete(f"/api/v1/tables/{free}")).status == 200
    assert (await staff.patch(f"/api/v1/bookings/{booking.data['id']}", {"table_ids": [free]})).status == 422
    await staff.delete(f"/api/v1/bookings/{booking.data['id']}")
    await staff.delete(f"/api/v1/holds/{hold.data['id']}")
    for table_id in (booked, held):
        assert (await staff.delete(f"/api/v1/tables/{table_id}")).status == 200


async def test_a_service_is_kept_by_its_instances(staff: Caller) -> None:
    service_id = await made(staff, "services")
    path = f"/v2/settings/services/{service_id}"
    instance = await staff.post("/v2/event_instances", {"service_id": service_id, "start_time": text(SOON)})
    check_in_use(await staff.delete(path), "1 event instance belongs to this service", {"event_instances": 1})
    location_id = instance.data["location_id"]
    refused = await staff.delete(f"/api/v1/locations/{location_id}")
    assert refused.body["error"]["details"] == {"services": 1, "event_instances": 1}
    await staff.delete(f"/v2/event_instances/{instance.data['uid']}")
    assert (await staff.delete(path)).status == 200
    assert (await staff.delete(f"/api/v1/locations/{location_id}")).status == 200


async def test_event_types_and_clients_are_kept_by_their_bookings(service: Service, staff: Caller) -> None:
    schedule_id, event_type_id = await staff.schedule(capacity=2), await staff.event_type()
    client_id = await made(staff, "clients")
    client = await service.client(staff.org_id, client_id)
    booked = await client.book(schedule_id=schedule_id, event_type_id=event_type_id)
    until = booked.data["end_time"]
    check_in_use(
        await staff.delete(f"/api/v1/event-types/{event_type_id}"),
        f"1 booking uses this event type, until {until}",
        {"bookings": 1},
    )
    check_in_use(
        await staff.delete(f"/api/v1/clients/{client_id}"),
        f"1 booking names this client, until {until}",
        {"bookings": 1},
    )
    await client.delete(f"/api/v1/bookings/{booked.data['id']}")
    for path in (f"/api/v1/event-types/{event_type_id}", f"/api/v1/clients/{client_id}"):
        assert (await staff.delete(path)).status == 200


async def test_a_deleted_schedules_bookings_can_still_be_read(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    booked = await staff.book(schedule_id=schedule_id)
    path = f"/api/v1/bookings/{booked.data['id']}"
    await staff.delete(path)
    cancelled = await staff.get(path)
    assert (await staff.delete(f"/api/v1/schedules/{schedule_id}")).status == 200
    assert (await staff.get(path)).body == cancelled.body
    assert [one["id"] for one in (await staff.get(f"/api/v1/bookings?schedule_id={schedule_id}")).data] == [
        booked.data["id"]
    ]


async def test_what_is_held_is_kept_until_the_hold_ends(staff: Caller) -> None:
    location_id, schedule_id = await staff.location(), await staff.schedule()
    event_type_id = await staff.event_type(schedule_id=schedule_id)
    await staff.table(location_id, 2)
    at_location = await staff.hold(location_id=location_id)
    of_type = await staff.hold(schedule_id=schedule_id, event_type_id=event_type_id)
    refused = await staff.delete(f"/api/v1/locations/{location_id}")
    assert refused.body["error"]["details"] == {"tables": 1, "holds": 1}
    path = f"/api/v1/event-types/{event_type_id}"
    check_in_use(await staff.delete(path), "1 hold uses this event type", {"holds": 1})
    for held in (at_location, of_type):
        assert (await staff.delete(f"/api/v1/holds/{held.data['id']}")).status == 200
    assert (await staff.delete(path)).status == 200
    refused = await staff.delete(f"/api/v1/locations/{location_id}")
    assert refused.body["error"]["details"] == {"tables": 1}
