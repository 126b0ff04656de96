"""Racing requests: the database lets one through for each lane, and every other one is told so."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Answer, Caller, a_body
from support.event_instances import add_instance, register

RACERS = 64


def told(answers: list[Answer]) -> Counter[tuple[int, str]]:
    """Count the answers by status and code."""
    return Counter((answer.status, "" if answer.status == 201 else answer.code) for answer in answers)


async def overlaps(db: Database, org_id: str) -> int:
    """Count pairs of an organization's occupied times that overlap."""
    async with db.connection() as conn:
        return int(
            await conn.fetchval(
                "SELECT count(*) FROM occupancy a"
                " JOIN occupancy b ON a.during && b.during"
                " AND coalesce(a.booking_id, a.hold_id) < coalesce(b.booking_id, b.hold_id)"
                " JOIN resources r ON r.resource_no = a.resource_no WHERE r.org_id = $1",
                org_id,
            )
        )


async def test_of_64_racing_for_one_slot_exactly_one_gets_it(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule()
    answers = await asyncio.gather(*(staff.book(schedule_id=schedule_id) for _ in range(RACERS)))
    assert told(answers) == {(201, ""): 1, (409, "slot_unavailable"): RACERS - 1}
    listed = await staff.get(f"/api/v1/bookings?schedule_id={schedule_id}")
    assert listed.body["meta"]["total"] == 1
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM history WHERE org_id = $1", staff.org_id) == 1


async def test_overlapping_times_of_different_lengths_never_both_win(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule()
    times = [(SOON + timedelta(minutes=15 * (number % 8)), 20 + 15 * (number % 5)) for number in range(RACERS)]
    answers = await asyncio.gather(*(staff.book(schedule_id=schedule_id, at=at, minutes=m) for at, m in times))
    counts = told(answers)
    assert set(counts) == {(201, ""), (409, "slot_unavailable")}
    assert await overlaps(db, staff.org_id) == 0


@pytest.mark.parametrize("capacity", [7, 60])
async def test_a_schedule_of_capacity_n_takes_exactly_n(staff: Caller, db: Database, capacity: int) -> None:
    schedule_id = await staff.schedule(capacity=capacity)
    answers = await asyncio.gather(*(staff.book(schedule_id=schedule_id) for _ in range(RACERS)))
    assert told(answers) == {(201, ""): capacity, (409, "slot_unavailable"): RACERS - capacity}
    async with db.connection() as conn:
        lanes = await conn.fetch(
            "SELECT r.lane FROM occupancy o JOIN resources r USING (resource_no) WHERE r.owner_id = $1", schedule_id
        )
    assert sorted(row["lane"] for row in lanes) == list(range(1, capacity + 1))


async def test_racing_for_the_tables_of_a_location_each_is_given_once(staff: Caller) -> None:
    location_id = await staff.location()
    tables = {await staff.table(location_id, seats) for seats in (2, 2, 4, 6)}
    answers = await asyncio.gather(*(staff.book(location_id=location_id, party_size=2) for _ in range(RACERS)))
    assert told(answers) == {(201, ""): 4, (409, "slot_unavailable"): RACERS - 4}
    given = [answer.data["table_ids"] for answer in answers if answer.status == 201]
    assert sorted(given) == sorted([table_id] for table_id in tables)


async def test_claims_of_the_same_tables_in_any_order_never_deadlock(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(3)]
    pairs = [[tables[number % 3], tables[(number + 1 + number % 2) % 3]] for number in range(RACERS)]
    answers = await asyncio.gather(*(staff.book(location_id=location_id, table_ids=pair) for pair in pairs))
    assert told(answers) == {(201, ""): 1, (409, "slot_unavailable"): RACERS - 1}
    assert await overlaps(db, staff.org_id) == 0


async def test_a_move_and_a_creation_race_for_a_slot(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule()
    movers = [
        (await staff.book(schedule_id=schedule_id, at=SOON + timedelta(days=1 + number))).data["id"]
        for number in range(8)
    ]
    times = {"start_time": SOON.isoformat(), "end_time": (SOON + timedelta(hours=1)).isoformat()}
    answers = await asyncio.gather(
        *(staff.patch(f"/api/v1/bookings/{booking_id}", times) for booking_id in movers),
        *(staff.book(schedule_id=schedule_id) for _ in range(8)),
    )
    statuses = Counter(answer.status for answer in answers)
    assert statuses[200] + statuses[201] == 1
    assert statuses[409] == 15
    assert await overlaps(db, staff.org_id) == 0


async def test_two_bookings_that_swap_places_never_both_stay_or_fail_with_a_500(staff: Caller, db: Database) -> None:
    """Each wants the place that the other leaves: they wait for each other, and the database ends one of them."""
    schedule_id = await staff.schedule()
    first, second = SOON, SOON + timedelta(hours=1)
    ids = [(await staff.book(schedule_id=schedule_id, at=at)).data["id"] for at in (first, second)]

    def to(start: datetime) -> dict[str, str]:
        return {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}

    for _ in range(3):
        answers = await asyncio.gather(
            staff.patch(f"/api/v1/bookings/{ids[0]}", to(second)), staff.patch(f"/api/v1/bookings/{ids[1]}", to(first))
        )
        assert {answer.status for answer in answers} <= {200, 409}
        assert await overlaps(db, staff.org_id) == 0


async def test_booking_and_cancelling_one_slot_in_a_churn_never_overlaps_or_fails(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule()

    async def churn() -> Counter[int]:
        seen: Counter[int] = Counter()
        for _ in range(10):
            answer = await staff.book(schedule_id=schedule_id)
            seen[answer.status] += 1
            if answer.status == 201:
                seen[(await staff.delete(f"/api/v1/bookings/{answer.data['id']}")).status] += 1
        return seen

    seen = sum(await asyncio.gather(*(churn() for _ in range(12))), Counter())
    assert set(seen) <= {200, 201, 409}
    assert seen[200] == seen[201] >= 1
    async with db.connection() as conn:
        left = await conn.fetchval(
            "SELECT count(*) FROM occupancy JOIN resources USING (resource_no) WHERE owner_id = $1", schedule_id
        )
    assert left == 0


async def test_changes_of_one_booking_queue_up_and_count_without_a_gap(staff: Caller, db: Database) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    path = f"/api/v1/bookings/{booking_id}"
    answers = await asyncio.gather(*(staff.patch(path, {"title": f"Title {number}"}) for number in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.data["version"] for answer in answers) == list(range(2, 22))
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT sequence FROM history WHERE booking_id = $1 ORDER BY created_at, event_id", booking_id
        )
    assert [row["sequence"] for row in rows] == list(range(1, 22))


async def test_twins_of_one_request_are_one_booking_and_one_answer(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule(capacity=20)
    body = a_body(schedule_id=schedule_id)
    answers = await asyncio.gather(*(staff.post("/api/v1/bookings", body, Idempotency_Key="twins") for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.data["id"] for answer in answers}) == 1
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM bookings WHERE org_id = $1", staff.org_id) == 1


async def test_a_corrected_no_show_and_creations_race_for_its_time(staff: Caller, db: Database) -> None:
    schedule_id = await staff.schedule()
    for status in ("SEATED", "CONFIRMED"):
        at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1 + len(status))
        path = f"/api/v1/bookings/{(await staff.book(schedule_id=schedule_id, at=at)).data['id']}"
        for before in ("CONFIRMED", "NO_SHOW"):
            assert (await staff.patch(path, {"status": before})).status == 200
        answers = await asyncio.gather(
            staff.patch(path, {"status": status, "correction": True}),
            *(staff.book(schedule_id=schedule_id, at=at) for _ in range(8)),
        )
        assert sorted(answer.status // 100 for answer in answers) == [2] + [4] * 8
        assert {answer.code for answer in answers if answer.status >= 400} == {"slot_unavailable"}
        kept = (await staff.get(path)).data["status"]
        assert kept == (status if answers[0].status == 200 else "NO_SHOW")
    assert await overlaps(db, staff.org_id) == 0


async def test_of_20_who_race_for_the_last_3_spots_3_get_one(staff: Caller, db: Database) -> None:
    """By registering, by holding a spot, and by coming with one more."""
    instance_id = (await add_instance(staff, max_attendance=10))["uid"]
    ids = [(await register(staff, instance_id)).data["id"] for _ in range(7)]
    answers = await asyncio.gather(
        *(register(staff, instance_id) for _ in range(7)),
        *(staff.post("/api/v1/holds", {"event_instance_id": instance_id}) for _ in range(6)),
        *(staff.patch(f"/api/v1/bookings/{booking_id}", {"party_size": 2}) for booking_id in ids),
    )
    assert sorted(answer.status // 100 for answer in answers) == [2] * 3 + [4] * 17
    assert {answer.code for answer in answers if answer.status >= 400} == {"slot_unavailable"}
    async with db.connection() as conn:
        spots = await conn.fetchval("SELECT sum(spots) FROM spots WHERE instance_id = $1", instance_id)
    assert (spots, (await staff.get(f"/v2/event_instances/{instance_id}")).data["attendance"]) == (10, 10)


async def test_at_the_bounds_of_time_a_booking_is_in_nobodys_way_but_its_own_resources(
    staff: Caller, db: Database
) -> None:
    """The neighbours' numbers begin where those of a resource end."""
    schedules = [await staff.schedule() for _ in range(3)]
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT resource_no FROM resources WHERE owner_id = ANY ($1) ORDER BY resource_no", schedules
        )
    first = rows[0]["resource_no"]
    assert [row["resource_no"] for row in rows] == [first, first + 1, first + 2], "they are neighbours"
    bounds = [datetime(1970, 1, 2, tzinfo=UTC), datetime(2199, 12, 31, 22, 59, 59, tzinfo=UTC)]
    for schedule_id in (schedules[1], schedules[0], schedules[2]):
        for at in bounds:
            answers = await asyncio.gather(*(staff.book(schedule_id=schedule_id, at=at) for _ in range(8)))
            assert told(answers) == {(201, ""): 1, (409, "slot_unavailable"): 7}
    assert await overlaps(db, staff.org_id) == 0


async def test_parties_that_swap_their_tables_keep_one_each(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    tables = [await staff.table(location_id, 4) for _ in range(3)]
    ids = [(await staff.book(location_id=location_id, table_ids=[table])).data["id"] for table in tables]
    for turn in range(3):
        answers = await asyncio.gather(
            *(
                staff.patch(f"/api/v1/bookings/{booking_id}", {"table_ids": [tables[(place + turn + 1) % 3]]})
                for place, booking_id in enumerate(ids)
            )
        )
        assert {answer.status for answer in answers} <= {200, 409}
        shown = [(await staff.get(f"/api/v1/bookings/{booking_id}")).data["table_ids"] for booking_id in ids]
        assert sorted(shown) == sorted([table] for table in tables)
        assert await overlaps(db, staff.org_id) == 0


async def test_many_statuses_at_once_in_events_that_cross_all_change(staff: Caller) -> None:
    """Each request locks its bookings in one order and, with them, their events in another."""
    events = [(await add_instance(staff, max_attendance=50))["uid"] for _ in range(2)]
    several = []
    for number in range(20):
        order = events if number % 2 else events[::-1]
        several.append([(await register(staff, instance_id)).data["id"] for instance_id in order])
    answers = await asyncio.gather(
        *(staff.post("/api/v1/bookings/bulk-status", {"ids": ids, "status": "CANCELLED"}) for ids in several)
    )
    assert [[result["status"] for result in answer.data] for answer in answers] == [["CANCELLED"] * 2] * 20
    for instance_id in events:
        assert (await staff.get(f"/v2/event_instances/{instance_id}")).data["attendance"] == 0
