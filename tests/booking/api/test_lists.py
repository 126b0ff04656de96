"""Lists of bookings and their filters (seed 001)."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.postgres import Database
from support.booking_service import SOON, Caller, Service, text

DAY = timedelta(days=1)
# In Auckland it is half a day later than in UTC: these two starts lie on one local date and on two in UTC.
LATE = datetime(2024, 7, 1, 13, tzinfo=UTC)
EARLY = datetime(2024, 7, 2, 11, tzinfo=UTC)


async def listed(caller: Caller, query: str) -> list[str]:
    """The ids of a page."""
    got = await caller.get(f"/api/v1/bookings?{query}")
    return [booking["id"] for booking in got.data]


async def test_filters_by_what_a_booking_is_of(staff: Caller) -> None:
    first, second = await staff.schedule(), await staff.schedule()
    event_type_id = await staff.event_type()
    a = (await staff.book(schedule_id=first, event_type_id=event_type_id)).data["id"]
    b = (await staff.book(schedule_id=second)).data["id"]
    assert await listed(staff, f"schedule_id={first}") == [a]
    assert await listed(staff, f"event_type_id={event_type_id}") == [a]
    assert await listed(staff, f"schedule_id={second}&event_type_id={event_type_id}") == []
    assert sorted(await listed(staff, "")) == sorted([a, b])


async def test_filters_by_the_place_and_the_occurrence(staff: Caller, db: Database) -> None:
    location_id = await staff.location()
    a = (await staff.book(location_id=location_id, table_ids=[await staff.table(location_id, 2)])).data["id"]
    b = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    async with db.connection() as conn:
        await conn.execute("UPDATE bookings SET event_instance_id = 'ei_1' WHERE id = $1", b)
    assert await listed(staff, f"location_id={location_id}") == [a]
    assert await listed(staff, "event_instance_id=ei_1") == [b]
    assert await listed(staff, f"event_instance_id=ei_1&location_id={location_id}") == []


async def test_filters_by_status_and_attendee(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3)
    attendee = {"name": "Grace", "email": "Grace@Example.com"}
    a = (await staff.book(schedule_id=schedule_id, attendee=attendee)).data["id"]
    b = (await staff.book(schedule_id=schedule_id)).data["id"]
    await staff.patch(f"/api/v1/bookings/{b}", {"status": "CONFIRMED"})
    assert await listed(staff, "status=PENDING") == [a]
    assert await listed(staff, "status=CONFIRMED") == [b]
    assert await listed(staff, "attendee_email=grace@example.COM") == [a]
    assert await listed(staff, "attendee_email=grace@example.co") == []


async def test_upcoming_leaves_what_is_yet_to_start(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    past = (await staff.book(schedule_id=schedule_id, at=LATE)).data["id"]
    future = (await staff.book(schedule_id=schedule_id)).data["id"]
    assert await listed(staff, "upcoming=true") == [future]
    assert await listed(staff, "upcoming=false") == [past, future]


async def test_instants_are_inclusive(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    a, b, c = [(await staff.book(schedule_id=schedule_id, at=SOON + n * DAY)).data["id"] for n in range(3)]
    at = [text(SOON + n * DAY) for n in range(3)]
    assert await listed(staff, f"start_date={at[1]}") == [b, c]
    assert await listed(staff, f"end_date={at[1]}") == [a, b]
    assert await listed(staff, f"start_date={at[1]}&end_date={at[1]}") == [b]
    second_later = text(SOON + DAY + timedelta(seconds=1))
    assert await listed(staff, f"start_date={second_later}") == [c]


async def test_dates_are_the_schedules_own_and_inclusive(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="Pacific/Auckland")
    a, b = [(await staff.book(schedule_id=schedule_id, at=at)).data["id"] for at in (LATE, EARLY)]
    assert await listed(staff, "start_date=2024-07-02&end_date=2024-07-02") == [a, b]
    assert await listed(staff, "end_date=2024-07-01") == []
    assert await listed(staff, "start_date=2024-07-03") == []
    moved = {"start_time": text(EARLY + DAY), "end_time": text(EARLY + DAY + timedelta(hours=1))}
    await staff.patch(f"/api/v1/bookings/{b}", moved)
    assert await listed(staff, "start_date=2024-07-03") == [b]


@pytest.mark.parametrize(("zone", "hour"), [("Pacific/Kiritimati", 10), ("Etc/GMT+12", 11)])
async def test_dates_are_found_in_zones_far_from_utc(staff: Caller, zone: str, hour: int) -> None:
    """These starts are the first moment of a date in the one zone and its last hour in the other."""
    schedule_id = await staff.schedule(timezone=zone)
    at = datetime(2024, 7, 1, hour, tzinfo=UTC)
    booking_id = (await staff.book(schedule_id=schedule_id, at=at)).data["id"]
    day = "2024-07-02" if zone == "Pacific/Kiritimati" else "2024-06-30"
    assert await listed(staff, f"start_date={day}&end_date={day}") == [booking_id]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_dates_at_the_ends_of_the_calendar_are_taken(staff: Caller, day: str) -> None:
    booking_id = (await staff.book(schedule_id=await staff.schedule())).data["id"]
    early = day == "0001-01-01"
    assert await listed(staff, f"start_date={day}") == ([booking_id] if early else [])
    assert await listed(staff, f"end_date={day}") == ([] if early else [booking_id])


async def test_pages_are_in_the_order_of_their_starts(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    ids = {n: (await staff.book(schedule_id=schedule_id, at=SOON + n * DAY)).data["id"] for n in (3, 0, 4, 1, 2)}
    got = await staff.get("/api/v1/bookings?limit=2&offset=2")
    assert [booking["id"] for booking in got.data] == [ids[2], ids[3]]
    assert got.body["meta"] == {"total": 5, "limit": 2, "offset": 2, "hasMore": True}
    assert (await staff.get("/api/v1/bookings?limit=2&offset=4")).body["meta"]["hasMore"] is False
    beyond = await staff.get("/api/v1/bookings?offset=99")
    assert (beyond.data, beyond.body["meta"]["total"]) == ([], 5)


async def test_pages_join_the_statuses_in_one_order(staff: Caller) -> None:
    schedule_id = await staff.schedule()
    ids = [(await staff.book(schedule_id=schedule_id, at=SOON + n * DAY)).data["id"] for n in range(5)]
    for booking_id, status in zip(ids[1:], ("CONFIRMED", "DECLINED", "CANCELLED"), strict=False):
        await staff.patch(f"/api/v1/bookings/{booking_id}", {"status": status})
    assert [await listed(staff, f"limit=2&offset={offset}") for offset in (0, 1, 4)] == [ids[:2], ids[1:3], ids[4:]]


@pytest.mark.parametrize("limit", [1, 200])
async def test_the_bounds_of_a_page_are_taken(staff: Caller, limit: int) -> None:
    assert (await staff.get(f"/api/v1/bookings?limit={limit}")).body["meta"]["limit"] == limit


async def test_staff_find_the_bookings_of_a_client(service: Service, staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3)
    ada = (await staff.post("/api/v1/clients", {"name": "Ada", "email": "ada@example.com"})).data["id"]
    own = await (await service.client(staff.org_id, ada)).book(schedule_id=schedule_id)
    for_her = await staff.book(schedule_id=schedule_id, client_id=ada, attendee=None)
    await staff.book(schedule_id=schedule_id)
    found = (await staff.get(f"/api/v1/bookings?client_id={ada}")).data
    assert {booking["id"] for booking in found} == {own.data["id"], for_her.data["id"]}
    assert for_her.data["attendee_email"] == "ada@example.com"
