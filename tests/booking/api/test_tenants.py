"""No request reads or changes another organization's rows, or another client's (architecture.md I10)."""

from datetime import timedelta

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service, a_body
from support.reference_data import PATHS, WHOLE, key_of, made
from support.waiting import all_ended

KINDS = tuple(PATHS)


@pytest.fixture
async def other(service: Service) -> Caller:
    """Staff of another organization."""
    return await service.caller()


async def furnish(staff: Caller) -> dict[str, str]:
    """One of each kind of reference data; answers their ids."""
    location_id = await staff.location()
    return {
        "locations": location_id,
        "sections": await made(staff, "sections", location_id=location_id),
        "tables": await staff.table(location_id, 4),
        "schedules": await staff.schedule(),
        "event-types": await staff.event_type(),
        "clients": await made(staff, "clients"),
        "services": await made(staff, "services", location_id=location_id),
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_another_organizations_reference_data_is_not_there(staff: Caller, other: Caller, kind: str) -> None:
    one = await made(staff, kind)
    own = await made(other, kind)
    path = f"{PATHS[kind]}/{one}"
    mine = await staff.get(path)
    for answer in (await other.get(path), await other.patch(path, {"name": "Mine now"}), await other.delete(path)):
        assert (answer.status, answer.code) == (404, "not_found")
    listed = [row[key_of(kind)] for row in (await other.get(PATHS[kind])).data]
    assert own in listed
    assert one not in listed
    assert (await staff.get(path)).body == mine.body


async def test_filters_find_nothing_of_another_organization(staff: Caller, other: Caller) -> None:
    theirs = await furnish(staff)
    await staff.event_type(schedule_id=theirs["schedules"])
    for query in (
        f"tables?location_id={theirs['locations']}",
        f"sections?location_id={theirs['locations']}",
        f"event-types?schedule_id={theirs['schedules']}",
        "clients?email=ada@example.com",
    ):
        assert (await other.get(f"/api/v1/{query}")).data == []
        assert len((await staff.get(f"/api/v1/{query}")).data) == 1
    refused = await other.get(f"/v2/settings/services?business_id={staff.org_id}")
    assert (refused.status, refused.body["error"]["param"]) == (422, "business_id")


async def test_what_another_organization_has_keeps_nothing_from_being_deleted(staff: Caller, other: Caller) -> None:
    theirs = await furnish(staff)
    booked = await staff.book(schedule_id=theirs["schedules"], event_type_id=theirs["event-types"])
    assert booked.status == 201
    own = await furnish(other)
    for kind in ("services", "tables", "sections", "locations", "event-types", "schedules", "clients"):
        assert (await other.delete(f"{PATHS[kind]}/{own[kind]}")).status == 200
        assert (await staff.get(f"{PATHS[kind]}/{theirs[kind]}")).status == 200


async def test_another_organizations_bookings_are_not_there(staff: Caller, other: Caller, db: Database) -> None:
    made = await staff.book(schedule_id=await staff.schedule())
    path = f"/api/v1/bookings/{made.data['id']}"
    for answer in (
        await other.get(path),
        await other.patch(path, {"title": "Mine now"}),
        await other.delete(path),
        await other.get(f"/v1/reservations/{made.data['id']}"),
        await other.get(f"/v1/reservations/{made.data['id']}/events"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    for query in ("", f"?schedule_id={made.data['schedule_id']}", "?attendee_email=ada@example.com"):
        listed = await other.get(f"/api/v1/bookings{query}")
        assert (listed.data, listed.body["meta"]["total"]) == ([], 0)
    await all_ended(db)
    cursor = (await staff.get("/v1/reservations")).body["next_cursor"]
    assert cursor is not None
    for query in ("", f"?schedule_id={made.data['schedule_id']}", f"?starting_after={cursor}"):
        assert (await other.get(f"/v1/reservations{query}")).data == []
    assert (await staff.get(path)).body == made.body


async def test_another_organizations_ids_name_nothing_in_a_body(staff: Caller, other: Caller) -> None:
    theirs = await furnish(staff)
    own_schedule, own_location = await other.schedule(), await other.location()
    bodies = {
        "schedule_id": a_body(schedule_id=theirs["schedules"]),
        "location_id": a_body(location_id=theirs["locations"]),
        "event_type_id": a_body(schedule_id=own_schedule, event_type_id=theirs["event-types"]),
        "table_ids": a_body(location_id=own_location, table_ids=[theirs["tables"]]),
    }
    for param, body in bodies.items():
        refused = await other.post("/api/v1/bookings", body)
        assert (refused.status, refused.code) == (422, "validation_failed")
        assert refused.body["error"]["param"] == param
    for kind, param, fields in (
        ("tables", "location_id", {"location_id": theirs["locations"]}),
        ("tables", "section_id", {"location_id": own_location, "section_id": theirs["sections"]}),
        ("sections", "location_id", {"location_id": theirs["locations"]}),
        ("event-types", "schedule_id", {"schedule_id": theirs["schedules"]}),
        ("services", "location_id", {"location_id": theirs["locations"]}),
    ):
        refused = await other.post(PATHS[kind], {**WHOLE[kind], **fields})
        assert (refused.status, refused.body["error"]["param"]) == (422, param)


async def test_a_client_reaches_its_own_bookings_only(service: Service, staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule(capacity=3)
    ada, bob = await service.client(staff.org_id, "cli_ada"), await service.client(staff.org_id, "cli_bob")
    hers = await ada.book(schedule_id=schedule_id)
    staffs = await staff.book(schedule_id=schedule_id)
    assert hers.status == 201
    for booking_id in (hers.data["id"], staffs.data["id"]):
        path = f"/api/v1/bookings/{booking_id}"
        for answer in (
            await bob.get(path),
            await bob.patch(path, {"title": "Mine now"}),
            await bob.delete(path),
            await bob.get(f"/v1/reservations/{booking_id}"),
            await bob.get(f"/v1/reservations/{booking_id}/events"),
        ):
            assert (answer.status, answer.code) == (404, "not_found")
    await all_ended(db)
    for path in ("/api/v1/bookings", "/v1/reservations"):
        assert [booking["id"] for booking in (await ada.get(path)).data] == [hers.data["id"]]
        assert (await bob.get(path)).data == []
        assert len((await staff.get(path)).data) == 2
    assert (await ada.get(f"/v1/reservations/{hers.data['id']}/events")).status == 200


async def test_a_client_may_edit_and_cancel_its_booking_and_set_no_other_status(
    service: Service, staff: Caller, db: Database
) -> None:
    client = await service.client(staff.org_id, "cli_ada")
    made = await client.book(schedule_id=await staff.schedule())
    path = f"/api/v1/bookings/{made.data['id']}"
    staffs_own: tuple[dict[str, object], ...] = (
        {"status": "CONFIRMED"},
        {"status": "PENDING"},
        {"table_ids": []},
        {"correction": True},
        {"override_availability": True},
    )
    for body in staffs_own:
        refused = await client.patch(path, body)
        assert (refused.status, refused.code) == (403, "forbidden"), body
    past = {"start_time": "2024-02-15T10:00:00Z", "end_time": "2024-02-15T11:00:00Z"}
    assert (await client.patch(path, past)).body["error"]["param"] == "start_time"
    assert (await client.get(path)).body == made.body
    assert (await client.patch(path, {"attendee": {"notes": "Late"}})).data["attendee_notes"] == "Late"
    assert (await client.delete(path)).body == {
        "data": {"id": made.data["id"], "status": "CANCELLED", "cancelled": True}
    }
    async with db.connection() as conn:
        actors = await conn.fetch("SELECT DISTINCT actor FROM history WHERE org_id = $1", staff.org_id)
    assert [row["actor"] for row in actors] == ["client"]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"table_ids": []}, 403, "table_ids"),
        ({"status": "SEATED"}, 403, "status"),
        ({"override_availability": True}, 403, "override_availability"),
        ({"at": SOON - timedelta(days=3650)}, 422, "start_time"),
    ],
)
async def test_what_a_client_may_not_ask_for(
    service: Service, staff: Caller, fields: dict[str, object], status: int, param: str
) -> None:
    client = await service.client(staff.org_id, "cli_ada")
    body = a_body(schedule_id=await staff.schedule(), location_id=await staff.location(), **fields)  # type: ignore[arg-type]
    refused = await client.post("/api/v1/bookings", body)
    assert (refused.status, refused.body["error"]["param"]) == (status, param)


async def test_scopes_are_needed(service: Service, staff: Caller) -> None:
    nobody = await service.caller(staff.org_id, scopes=frozenset({"webhooks.read"}))
    reader = await service.caller(staff.org_id, scopes=frozenset({"bookings.read", "schedules.read"}))
    ids = await furnish(staff)
    booking_id = (await staff.book(schedule_id=ids["schedules"])).data["id"]
    reading = ["/api/v1/bookings", f"/api/v1/bookings/{booking_id}", f"/v1/reservations/{booking_id}/events"]
    reading += ["/v1/reservations", f"/v1/reservations/{booking_id}"]
    reading += [path for kind in KINDS for path in (PATHS[kind], f"{PATHS[kind]}/{ids[kind]}")]
    for path in reading:
        assert (await reader.get(path)).status == 200
        assert (await nobody.get(path)).status == 403
    changing = [("POST", "/api/v1/bookings"), ("DELETE", f"/api/v1/bookings/{booking_id}")]
    changing += [("PATCH", f"/api/v1/bookings/{booking_id}")]
    changing += [("POST", PATHS[kind]) for kind in KINDS]
    changing += [(method, f"{PATHS[kind]}/{ids[kind]}") for kind in KINDS for method in ("PATCH", "DELETE")]
    for method, path in changing:
        refused = await reader.send(method, path, {})
        assert (refused.status, refused.code) == (403, "forbidden"), path


async def test_without_a_key_nothing_is_answered(staff: Caller) -> None:
    stranger = Caller(staff.org_id, staff.base, staff.http, {})
    refused = await stranger.get("/api/v1/bookings")
    assert (refused.status, refused.code) == (401, "unauthenticated")
