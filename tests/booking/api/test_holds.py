"""Holds over HTTP: they block as bookings do, and become bookings."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from chassis.identity import KeyKind
from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service, a_visit_body, somebody, text

HOUR = timedelta(hours=1)


async def test_a_hold_blocks_until_it_is_released(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    held = await staff.hold(schedule_id=schedule_id)
    assert held.status == 201
    assert held.data["id"].startswith("hld_")
    assert (held.data["schedule_id"], held.data["party_size"], held.data["table_ids"]) == (schedule_id, 1, [])
    for refused in (
        await staff.book(schedule_id=schedule_id),
        await staff.hold(schedule_id=schedule_id, at=SOON + HOUR / 2),
    ):
        assert (refused.status, refused.code) == (409, "slot_unavailable")
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).status == 201
    path = f"/api/v1/holds/{held.data['id']}"
    assert (await staff.delete(path)).data == {"id": held.data["id"], "released": True}
    assert (await staff.delete(path)).code == "not_found"
    assert (await staff.book(schedule_id=schedule_id)).status == 201


async def test_a_hold_becomes_a_booking_of_what_it_held(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, seats) for seats in (2, 4)]
    held = await staff.hold(location_id=location_id, party_size=3)
    assert held.data["table_ids"] == [tables[1]]
    made = await staff.post("/api/v1/bookings", {"hold_id": held.data["id"], "attendee": somebody()})
    assert made.status == 201
    shown = {name: made.data[name] for name in ("location_id", "table_ids", "party_size", "start_time", "end_time")}
    assert shown == {
        "location_id": location_id,
        "table_ids": [tables[1]],
        "party_size": 3,
        "start_time": text(SOON),
        "end_time": text(SOON + HOUR),
    }
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM holds WHERE id = $1", held.data["id"]) == 0
        holders = await conn.fetch(
            "SELECT booking_id, hold_id, expires_at FROM occupancy WHERE booking_id = $1 OR hold_id = $2",
            made.data["id"],
            held.data["id"],
        )
    assert [tuple(row) for row in holders] == [(made.data["id"], None, None)]
    again = await staff.post("/api/v1/bookings", {"hold_id": held.data["id"], "attendee": somebody()})
    assert (again.status, again.code, again.body["error"]["param"]) == (409, "hold_expired", "hold_id")


async def test_a_booking_may_be_longer_than_its_hold_where_there_is_time_and_keeps_its_place(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=2)
    held = (await staff.hold(schedule_id=schedule_id)).data
    assert (await staff.book(schedule_id=schedule_id, at=SOON + HOUR)).status == 201
    longer = {"hold_id": held["id"], "end_time": text(SOON + 2 * HOUR), "attendee": somebody()}
    assert (await staff.post("/api/v1/bookings", longer)).status == 201
    full = (await staff.hold(schedule_id=schedule_id, at=SOON)).data
    too_long = {"hold_id": full["id"], "end_time": text(SOON + 2 * HOUR), "attendee": somebody()}
    refused = await staff.post("/api/v1/bookings", too_long)
    assert (refused.status, refused.code) == (409, "slot_unavailable")
    kept = await staff.post("/api/v1/bookings", {"hold_id": full["id"], "attendee": somebody()})
    assert kept.status == 201, "a refused booking leaves its hold as it was"


async def test_a_booking_of_a_hold_is_made_at_the_holds_place(staff: Caller) -> None:
    schedule_id, other = await staff.schedule(), await staff.schedule()
    held = (await staff.hold(schedule_id=schedule_id)).data
    refused = await staff.post(
        "/api/v1/bookings", {"hold_id": held["id"], "schedule_id": other, "attendee": somebody()}
    )
    assert (refused.status, refused.body["error"]["param"]) == (422, "schedule_id")


async def test_racing_to_use_one_hold_makes_one_booking(staff: Caller) -> None:
    held = (await staff.hold(schedule_id=await staff.schedule())).data
    bodies = [{"hold_id": held["id"], "attendee": somebody()} for _ in range(20)]
    answers = await asyncio.gather(*(staff.post("/api/v1/bookings", body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [201, *[409] * 19]
    assert {answer.code for answer in answers if answer.status == 409} == {"hold_expired"}


async def test_holds_and_bookings_that_race_for_a_time_never_overlap(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3)
    tries = [staff.hold(schedule_id=schedule_id) if n % 2 else staff.book(schedule_id=schedule_id) for n in range(40)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status for answer in answers) == [*[201] * 3, *[409] * 37]


async def test_a_repeated_request_gets_the_same_hold(staff: Caller) -> None:
    body = a_visit_body(schedule_id=await staff.schedule())
    first, again = [await staff.post("/api/v1/holds", body, Idempotency_Key="once") for _ in range(2)]
    assert (first.body, first.status) == (again.body, again.status)


@pytest.mark.parametrize(
    ("fields", "param", "rule"),
    [
        ({"ttl_minutes": 0}, "ttl_minutes", "greater_than_equal"),
        ({"ttl_minutes": 61}, "ttl_minutes", "max_ttl"),
        ({"ttl_minutes": "5"}, "ttl_minutes", "int_type"),
        ({"schedule_id": None}, "schedule_id", "missing"),
        ({"schedule_id": "sch_none"}, "schedule_id", "unknown"),
        ({"start_time": None}, "start_time", "missing"),
        ({"end_time": text(SOON)}, "end_time", "after_start"),
        ({"party_size": 0}, "party_size", "greater_than_equal"),
        ({"event_instance_id": "ins_none"}, "event_instance_id", "unknown"),
        ({"table_ids": ["tbl_1"]}, "table_ids", "location_id"),
        ({"attendee": somebody()}, "attendee", "extra_forbidden"),
    ],
)
async def test_a_bad_body_holds_nothing(
    staff: Caller, db: Database, fields: dict[str, Any], param: str, rule: str
) -> None:
    body = a_visit_body(**{"schedule_id": await staff.schedule(), **fields})
    refused = await staff.post("/api/v1/holds", body)
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert (param, rule) in [(flaw["param"], flaw["rule"]) for flaw in refused.body["error"]["details"]["errors"]]
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM holds WHERE org_id = $1", staff.org_id) == 0


async def test_another_service_may_hold_for_two_days(service: Service, staff: Caller) -> None:
    waitlist = await service.caller(staff.org_id, KeyKind.SERVICE)
    schedule_id = await staff.schedule()
    assert (await waitlist.hold(schedule_id=schedule_id, ttl_minutes=48 * 60)).status == 201
    assert (await waitlist.hold(schedule_id=schedule_id, at=SOON + HOUR, ttl_minutes=48 * 60 + 1)).status == 422


async def test_holds_of_others_are_out_of_reach(service: Service, staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=2)
    ada, bob = await service.client(staff.org_id, "cli_ada"), await service.client(staff.org_id, "cli_bob")
    stranger = await service.caller()
    held = (await ada.hold(schedule_id=schedule_id)).data
    for other in (bob, stranger):
        assert (await other.delete(f"/api/v1/holds/{held['id']}")).code == "not_found"
        used = await other.post("/api/v1/bookings", {"hold_id": held["id"], "attendee": somebody()})
        assert (used.status, used.code) == (409, "hold_expired")
    assert (await stranger.hold(schedule_id=schedule_id)).body["error"]["param"] == "schedule_id"
    assert (await ada.hold(schedule_id=schedule_id, override_availability=True)).code == "forbidden"
    assert (await ada.post("/api/v1/bookings", {"hold_id": held["id"], "attendee": somebody()})).status == 201


async def test_a_hold_keeps_what_was_granted_to_it(staff: Caller) -> None:
    closed = await staff.schedule(weekly_hours={}, max_bookings_per_day=1)
    held = (await staff.hold(schedule_id=closed, override_availability=True)).data
    moved = {"hold_id": held["id"], "end_time": text(SOON + 2 * HOUR), "attendee": somebody()}
    assert (await staff.post("/api/v1/bookings", moved)).code == "outside_availability"
    await staff.book(schedule_id=closed, at=SOON + 24 * HOUR, override_availability=True)
    assert (await staff.post("/api/v1/bookings", {"hold_id": held["id"], "attendee": somebody()})).status == 201


async def test_a_held_table_is_given_though_it_is_for_fewer_people_by_now(staff: Caller) -> None:
    location_id = await staff.location()
    table_id = await staff.table(location_id, 4)
    held = (await staff.hold(location_id=location_id, party_size=4)).data
    await staff.patch(f"/api/v1/tables/{table_id}", {"max_party": 2})
    made = await staff.post("/api/v1/bookings", {"hold_id": held["id"], "attendee": somebody()})
    assert made.data["table_ids"] == [table_id]


async def test_a_hold_booked_for_another_time_takes_another_table_where_its_own_is_taken(staff: Caller) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(2)]
    held = (await staff.hold(location_id=location_id)).data
    later = {"start_time": text(SOON + 4 * HOUR), "end_time": text(SOON + 5 * HOUR)}
    assert (await staff.book(location_id=location_id, table_ids=held["table_ids"], **later)).status == 201
    made = await staff.post("/api/v1/bookings", {"hold_id": held["id"], "attendee": somebody(), **later})
    assert made.data["table_ids"] == [table_id for table_id in tables if table_id not in held["table_ids"]]
