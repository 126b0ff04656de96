"""Deleting races with booking: either it is deleted and nobody has booked it, or it is refused and is still there."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller
from support.event_instances import PATH as INSTANCES
from support.event_instances import add_instance, add_service, post_instance
from support.reference_data import made

ROUNDS = 12


async def held(db: Database, owner_id: str) -> Counter[str]:
    """Count who has time of a schedule's or table's resources: `booking`, or `owner` when it is closed for good."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT o.booking_id, o.hold_id FROM occupancy o JOIN resources r ON r.resource_no = o.resource_no"
            " WHERE r.owner_id = $1",
            owner_id,
        )
    return Counter("booking" if row["booking_id"] else "owner" for row in rows if row["hold_id"] in {None, owner_id})


async def after(delay: float, doing: Awaitable[Answer]) -> Answer:
    await asyncio.sleep(delay)
    return await doing


async def race(
    staff: Caller, path: str, book: Callable[[int], Awaitable[Answer]], number: int
) -> tuple[Answer, list[Answer]]:
    """Delete while eight others book: in the first round it begins before them, in the last one after them."""
    head_start = (ROUNDS / 2 - number) * 0.006
    deleted, *booked = await asyncio.gather(
        after(max(-head_start, 0), staff.delete(path)), *(after(max(head_start, 0), book(one)) for one in range(8))
    )
    return deleted, booked


def check(deleted: Answer, booked: list[Answer]) -> bool:
    """Tell whether it was deleted; either way the answers go together."""
    made = [answer for answer in booked if answer.status == 201]
    others = {(answer.status, answer.code) for answer in booked if answer.status != 201}
    assert others <= {(409, "slot_unavailable"), (422, "validation_failed")}
    if deleted.status == 200:
        assert made == []
        return True
    assert (deleted.status, deleted.code) == (409, "in_use")
    return False


@pytest.mark.parametrize("fields", [{}, {"max_bookings_per_day": 100}])
async def test_a_schedule_is_deleted_or_booked(staff: Caller, db: Database, fields: dict[str, Any]) -> None:
    outcomes: Counter[bool] = Counter()
    for number in range(ROUNDS):
        schedule_id = await staff.schedule(capacity=3, **fields)
        path = f"/api/v1/schedules/{schedule_id}"

        async def book(one: int, schedule_id: str = schedule_id) -> Answer:
            return await staff.book(schedule_id=schedule_id, at=SOON + timedelta(hours=one % 4))

        deleted, booked = await race(staff, path, book, number)
        gone = check(deleted, booked)
        outcomes[gone] += 1
        assert (await staff.get(path)).status == (404 if gone else 200)
        made = sum(answer.status == 201 for answer in booked)
        assert await held(db, schedule_id) == ({"owner": 3} if gone else {"booking": made})
        listed = await staff.get(f"/api/v1/bookings?schedule_id={schedule_id}")
        assert listed.body["meta"]["total"] == made
    assert outcomes[True]
    assert outcomes[False]


async def test_a_table_is_deleted_or_booked(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    await staff.table(location_id, 2)
    outcomes: Counter[bool] = Counter()
    for number in range(ROUNDS):
        table_id = await staff.table(location_id, 8)

        async def book(one: int, table_id: str = table_id, number: int = number) -> Answer:
            at = SOON + timedelta(days=number, hours=one % 2)
            chosen = {"table_ids": [table_id]} if one % 3 else {"party_size": 8}
            return await staff.book(location_id=location_id, at=at, **chosen)

        deleted, booked = await race(staff, f"/api/v1/tables/{table_id}", book, number)
        gone = check(deleted, booked)
        outcomes[gone] += 1
        expected = {"owner": 1} if gone else {"booking": sum(answer.status == 201 for answer in booked)}
        assert await held(db, table_id) == expected
        if not gone:
            for answer in booked:
                if answer.status == 201:
                    await staff.delete(f"/api/v1/bookings/{answer.data['id']}")
            assert (await staff.delete(f"/api/v1/tables/{table_id}")).status == 200
    assert outcomes[True]
    assert outcomes[False]


async def test_moving_bookings_and_deleting_never_end_in_an_error_of_ours(staff: Caller, db: Database) -> None:
    """A move gives up one lane and wants another while deleting has the second and wants the first."""
    schedule_id = await staff.schedule(capacity=4)
    booked = [await staff.book(schedule_id=schedule_id, at=SOON + timedelta(hours=one)) for one in range(6)]

    async def move(one: int, number: int) -> Answer:
        start = SOON + timedelta(hours=(one + number) % 6)
        times = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
        return await staff.patch(f"/api/v1/bookings/{booked[one].data['id']}", times)

    for number in range(ROUNDS):
        moved = asyncio.gather(*(move(one, number) for one in range(6)))
        deleted = await asyncio.gather(*(staff.delete(f"/api/v1/schedules/{schedule_id}") for _ in range(3)))
        assert {(answer.status, answer.code) for answer in deleted} == {(409, "in_use")}
        assert {answer.status for answer in await moved} <= {200, 409}
    assert await held(db, schedule_id) == {"booking": 6}


async def test_one_of_several_that_delete_does(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=20)
    answers = await asyncio.gather(*(staff.delete(f"/api/v1/schedules/{schedule_id}") for _ in range(8)))
    assert Counter(answer.status for answer in answers) == {200: 1, 404: 7}


async def test_a_location_is_deleted_or_gets_a_table(staff: Caller) -> None:
    for number in range(ROUNDS):
        location_id = await staff.location()
        body = {"location_id": location_id, "name": "T", "max_party": 2}
        deleted, placed = await asyncio.gather(
            after(0.002 * (number % 3), staff.delete(f"/api/v1/locations/{location_id}")),
            after(0.002 * (number // 3 % 3), staff.post("/api/v1/tables", body)),
        )
        assert (deleted.status, placed.status) in {(200, 422), (409, 201)}


async def test_a_service_is_deleted_or_gets_an_instance(staff: Caller) -> None:
    outcomes: Counter[bool] = Counter()
    for number in range(ROUNDS):
        service_id = await add_service(staff)
        deleted, made = await asyncio.gather(
            after(0.002 * (number % 3), staff.delete(f"/v2/settings/services/{service_id}")),
            after(0.002 * (number // 3 % 3), post_instance(staff, service_id)),
        )
        assert (deleted.status, made.status) in {(200, 422), (409, 201)}
        outcomes[deleted.status == 200] += 1
    assert outcomes[True]
    assert outcomes[False]


async def test_a_location_is_deleted_or_gets_an_instance(staff: Caller) -> None:
    instance = await add_instance(staff)
    for number in range(ROUNDS):
        location_id = await staff.location()
        fields = {"location_id": location_id}
        deleted, *placed = await asyncio.gather(
            after(0.002 * (number % 3), staff.delete(f"/api/v1/locations/{location_id}")),
            after(0.002 * (number // 3 % 3), post_instance(staff, instance["service_id"], **fields)),
            after(0.002 * (number // 3 % 3), staff.patch(f"{INSTANCES}/{instance['uid']}", fields)),
        )
        assert (deleted.status, *(answer.status for answer in placed)) in {(200, 422, 422), (409, 201, 200)}


async def test_who_names_what_is_being_deleted_waits_and_finds_it_gone(staff: Caller, db: Database) -> None:
    service_id, location_id = await add_service(staff), await staff.location()
    instance = await add_instance(staff)
    async with db.connection() as conn, conn.transaction():
        for table, one in (("services", service_id), ("locations", location_id)):
            await conn.execute(f"SELECT true FROM {table} WHERE id = $1 FOR UPDATE", one)
            await conn.execute(f"UPDATE {table} SET deleted_at = now() WHERE id = $1", one)
        naming = [
            asyncio.create_task(post_instance(staff, service_id)),
            asyncio.create_task(post_instance(staff, instance["service_id"], location_id=location_id)),
            asyncio.create_task(staff.patch(f"{INSTANCES}/{instance['uid']}", {"location_id": location_id})),
        ]
        done, _ = await asyncio.wait(naming, timeout=0.3)
        assert not done
    refused = [(answer.status, answer.body["error"]["param"]) for answer in await asyncio.gather(*naming)]
    assert refused == [(422, "service_id"), (422, "location_id"), (422, "location_id")]


async def test_a_schedule_is_deleted_or_gets_more_lanes(staff: Caller, db: Database) -> None:
    for _ in range(ROUNDS):
        schedule_id = await staff.schedule()
        path = f"/api/v1/schedules/{schedule_id}"
        deleted, _ = await asyncio.gather(staff.delete(path), staff.patch(path, {"capacity": 5}))
        assert deleted.status == 200
        async with db.connection() as conn:
            lanes = await conn.fetchval("SELECT count(*) FROM resources WHERE owner_id = $1", schedule_id)
        assert await held(db, schedule_id) == {"owner": lanes}


async def test_a_client_that_is_booked_for_stays_while_others_go(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=5)
    kept, gone = await made(staff, "clients"), await made(staff, "clients")
    assert (await staff.book(schedule_id=schedule_id, client_id=kept)).status == 201
    answers = await asyncio.gather(*(staff.delete(f"/api/v1/clients/{one}") for one in (kept, gone)))
    assert [answer.status for answer in answers] == [409, 200]
