"""Free time: what is offered can be booked, and what can be booked is offered."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.domain.hours import WEEKDAYS
from support.booking_service import SOON, Answer, Caller, Service, text
from support.clock_changes import clock_changes

PATH = "/api/v1/availability"
YEAR = datetime.now(UTC).year + 2
NIGHTS = {day: [{"start": "09:00", "end": "12:00"}, {"start": "20:00", "end": "04:00"}] for day in WEEKDAYS}
LATE = {day: [{"start": "08:00", "end": "03:15"}] for day in WEEKDAYS}
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
CLOCK_CHANGES = [(zone, day) for zone in ZONES for day in clock_changes(zone, YEAR)]
HOUR = timedelta(hours=1)


async def found(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name.strip('_')}={value}" for name, value in asked.items())
    slots: list[dict[str, Any]] = (await caller.get(f"{PATH}?{query}")).data
    return slots


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


async def book(caller: Caller, start: datetime, minutes: int = 60, **fields: Any) -> Answer:
    return await caller.book(at=start, minutes=minutes, **fields)


@pytest.mark.parametrize(("zone", "day"), CLOCK_CHANGES, ids=str)
async def test_on_the_days_of_a_change_of_the_clock_what_is_offered_is_what_can_be_booked(
    staff: Caller, zone: str, day: date
) -> None:
    """Every quarter of an hour is tried: of hours with a morning and a night, the change having hours of its own, at a
    location that closes earlier, with an event type that starts every 45 minutes."""
    own = {day.isoformat(): [{"start": "00:30", "end": "05:00"}, {"start": "18:00", "end": "02:30"}]}
    schedule_id = await staff.schedule(timezone=zone, weekly_hours=NIGHTS, date_overrides=own)
    place: dict[str, Any] = {
        "schedule_id": schedule_id,
        "location_id": await staff.location(timezone=zone, weekly_hours=LATE),
        "event_type_id": await staff.event_type(
            schedule_id=schedule_id, duration_minutes=60, durations_minutes=[60, 90], interval_minutes=45
        ),
    }
    days = [day, day + timedelta(days=1)]
    slots = await found(staff, **place, from_=days[0], to=days[-1])
    offered = {instant(slot["start_time"]) for slot in slots}
    assert all(instant(slot["local_start"]) == instant(slot["start_time"]) for slot in slots)
    assert {instant(slot["local_start"]).date() for slot in slots} == set(days)
    first, end = (
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for day in (days[0], days[-1] + timedelta(days=1))
    )
    while first < end:
        answer = await book(staff, first, **place)
        if answer.status == 201:
            await staff.delete(f"/api/v1/bookings/{answer.data['id']}")
        assert (answer.status == 201) == (first in offered), first
        first += HOUR / 4


async def test_what_is_booked_is_not_offered_and_the_rest_tells_what_remains(staff: Caller) -> None:
    schedule_id = await staff.schedule(
        timezone="UTC", capacity=2, weekly_hours={"monday": [{"start": "09:00", "end": "12:00"}]}
    )
    day = datetime(YEAR, 6, 1, tzinfo=UTC)
    day += timedelta(days=-day.weekday() % 7)
    ids = [(await book(staff, day + 9 * HOUR, schedule_id=schedule_id)).data["id"] for _ in range(2)]
    await book(staff, day + 10 * HOUR, 30, schedule_id=schedule_id)
    asked = {"schedule_id": schedule_id, "from_": day.date(), "to": day.date(), "duration_minutes": 60}
    assert [(slot["start_time"][11:16], slot["remaining"]) for slot in await found(staff, **asked)] == [
        ("10:00", 1),
        ("11:00", 2),
    ]
    freed = await found(staff, **asked, exclude_booking_id=ids[0])
    assert [(slot["start_time"][11:16], slot["remaining"]) for slot in freed] == [
        ("09:00", 1),
        ("10:00", 1),
        ("11:00", 2),
    ]


async def test_buffers_of_an_event_type_keep_time_free(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    event_type_id = await staff.event_type(duration_minutes=30, buffer_before_minutes=15, buffer_after_minutes=15)
    day = datetime(YEAR, 6, 1, 12, tzinfo=UTC)
    await book(staff, day, 60, schedule_id=schedule_id)
    slots = await found(
        staff, schedule_id=schedule_id, event_type_id=event_type_id, interval_minutes=15,
        from_=text(day - HOUR), to=text(day + 2 * HOUR),
    )  # fmt: skip
    offered = {instant(slot["start_time"]) for slot in slots}
    assert offered == {day + timedelta(minutes=minutes) for minutes in (-60, -45, 75, 90, 105)}
    for start in sorted(offered)[1:3]:
        assert (await book(staff, start, 30, schedule_id=schedule_id, event_type_id=event_type_id)).status == 201


async def test_tables_of_a_location_that_fit_the_party_are_offered(staff: Caller) -> None:
    location_id = await staff.location(timezone="America/New_York")
    for seats in (2, 4, 4):
        await staff.table(location_id, seats)
    day = datetime(YEAR, 6, 1, 22, tzinfo=UTC)
    await book(staff, day, 90, location_id=location_id, party_size=3)
    asked = {"location_id": location_id, "duration_minutes": 90, "from_": text(day), "to": text(day + HOUR / 4)}
    (slot,) = await found(staff, **asked, party_size=4)
    assert slot == {
        "start_time": text(day),
        "end_time": text(day + 1.5 * HOUR),
        "local_start": f"{YEAR}-06-01T18:00:00-04:00",
        "local_end": f"{YEAR}-06-01T19:30:00-04:00",
        "remaining": 1,
    }
    assert [slot["remaining"] for slot in await found(staff, **asked, party_size=2)] == [2]
    assert await found(staff, **asked, party_size=9) == []


async def test_a_location_says_how_long_a_visit_lasts_and_when_the_next_may_come(staff: Caller) -> None:
    hours = {day: [{"start": "18:10", "end": "21:00"}] for day in WEEKDAYS}
    location_id = await staff.location(timezone="UTC", weekly_hours=hours, visit_minutes=75, interval_minutes=20)
    day = SOON.date()
    slots = await found(staff, location_id=location_id, from_=day, to=day)
    assert [slot["start_time"][11:16] for slot in slots] == ["18:10", "18:30", "18:50", "19:10", "19:30"]
    assert slots[0]["end_time"][11:16] == "19:25"
    assert {slot["remaining"] for slot in slots} == {None}


async def test_as_many_parties_remain_as_tables_put_together_would_seat(staff: Caller) -> None:
    location_id = await staff.location(timezone="UTC")
    for seats in (2, 2, 2, 4, 4, 6):
        await staff.table(location_id, seats, combinable=True)
    asked = {"location_id": location_id, "party_size": 6, "from_": text(SOON), "to": text(SOON + HOUR / 4)}
    remaining = []
    for _ in range(3):
        remaining += [slot["remaining"] for slot in await found(staff, **asked)]
        assert (await book(staff, SOON, location_id=location_id, party_size=6)).status == 201
    assert remaining == [3, 2, 1]
    assert await found(staff, **asked) == []
    assert (await book(staff, SOON, location_id=location_id, party_size=6)).code == "slot_unavailable"


async def test_notice_and_horizon_of_an_event_type_bound_what_is_offered_and_booked(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    event_type_id = await staff.event_type(
        duration_minutes=60, interval_minutes=60, minimum_notice_minutes=24 * 60, horizon_days=3
    )
    asked: dict[str, Any] = {"schedule_id": schedule_id, "event_type_id": event_type_id}
    slots = [instant(slot["start_time"]) for slot in await found(staff, **asked)]
    assert [later - earlier for earlier, later in pairwise(slots)] == [HOUR] * 47
    for start, status in ((slots[0] - HOUR, 422), (slots[1], 201), (slots[-1], 201), (slots[-1] + 2 * HOUR, 422)):
        answer = await book(staff, start, **asked)
        assert answer.status == status
        assert status == 201 or answer.code == "outside_availability"


async def test_a_daily_limit_leaves_what_is_left_of_it_and_a_full_date_is_not_offered(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="Asia/Tokyo", capacity=5, max_bookings_per_day=3)
    midnight = SOON.replace(hour=15)  # of Tokyo
    asked = {
        "schedule_id": schedule_id, "duration_minutes": 60,
        "from_": text(midnight - 2 * HOUR), "to": text(midnight + 2 * HOUR),
    }  # fmt: skip

    async def remaining(**more: Any) -> list[int]:
        return [slot["remaining"] for slot in await found(staff, **asked, **more)]

    assert await remaining() == [3, 3, 3, 3]
    made = await book(staff, midnight + 9 * HOUR, schedule_id=schedule_id)
    held = await staff.hold(at=midnight + 5 * HOUR, schedule_id=schedule_id, ttl_minutes=5)
    assert await remaining() == [3, 3, 1, 1]
    assert await remaining(exclude_booking_id=made.data["id"]) == [3, 3, 2, 2]
    await book(staff, midnight + HOUR, schedule_id=schedule_id)
    assert await remaining() == [3, 3]
    await staff.delete(f"/api/v1/holds/{held.data['id']}")
    await staff.delete(f"/api/v1/bookings/{made.data['id']}")
    assert await remaining() == [3, 3, 2, 2]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "schedule_id"),
        ("schedule_id=sch_none&duration_minutes=30", "schedule_id"),
        ("location_id=loc_none&duration_minutes=30", "location_id"),
        ("schedule_id={id}", "duration_minutes"),
        ("schedule_id={id}&event_type_id=evt_none", "event_type_id"),
        ("schedule_id={id}&duration_minutes=0", "duration_minutes"),
        ("schedule_id={id}&duration_minutes=30&from=tomorrow", "from"),
        ("schedule_id={id}&duration_minutes=30&from=2030-02-02&to=2030-02-01", "to"),
        ("schedule_id={id}&duration_minutes=30&from=2030-02-02&to=2030-06-01", "to"),
        ("schedule_id={id}&duration_minutes=30&from=0001-01-01", "from"),
        ("schedule_id={id}&duration_minutes=30&from=2200-01-01", "from"),
        ("schedule_id={id}&duration_minutes=30&from=9999-12-31T23:59:59Z", "from"),
        ("schedule_id={id}&duration_minutes=30&to=9999-12-31", "to"),
        ("schedule_id={id}&duration_minutes=30&party_size=0", "party_size"),
        ("schedule_id={id}&duration_minutes=30&colour=red", "colour"),
        ("schedule_id={id}&event_type_id={talk}&duration_minutes=60", "duration_minutes"),
        ("schedule_id={id}&event_type_id={talk}&interval_minutes=20", "interval_minutes"),
    ],
)
async def test_a_search_that_says_nothing_sensible_is_refused(staff: Caller, query: str, param: str) -> None:
    talk = await staff.event_type(duration_minutes=45, durations_minutes=[45, 90], interval_minutes=15)
    answer = await staff.get(f"{PATH}?{query.format(id=await staff.schedule(), talk=talk)}")
    assert (answer.status, answer.code, answer.body["error"]["param"]) == (422, "validation_failed", param)


async def test_up_to_the_last_second_that_can_be_stored_free_time_is_told(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    asked = {"schedule_id": schedule_id, "duration_minutes": 60, "from_": "2199-12-31"}
    slots = await found(staff, **asked)
    assert [slots[-1]["start_time"], len(slots)] == ["2199-12-31T22:00:00Z", 23]
    assert await found(staff, **{**asked, "from_": "2199-12-31T23:59:59Z"}) == []


async def test_the_past_is_not_offered_and_another_organization_sees_nothing(staff: Caller, service: Any) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    asked = {"schedule_id": schedule_id, "duration_minutes": 60, "from_": "2020-01-01", "to": "2020-01-31"}
    assert await found(staff, **asked) == []
    other = await service.caller()
    refused = await other.get(f"{PATH}?schedule_id={schedule_id}&duration_minutes=60")
    assert refused.status == 422


async def test_a_booking_that_is_to_move_brings_the_buffers_that_it_was_made_with(staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    event_type = await staff.event_type(schedule_id=schedule_id, buffer_after_minutes=30)
    moving = await staff.book(schedule_id=schedule_id, event_type_id=event_type)
    await staff.patch(f"/api/v1/event-types/{event_type}", {"buffer_after_minutes": 0})
    await staff.book(schedule_id=schedule_id, at=SOON + 5 * HOUR)
    asked = f"/api/v1/availability?schedule_id={schedule_id}&event_type_id={event_type}&interval_minutes=60"
    window = f"&from={text(SOON + 4 * HOUR)}&to={text(SOON + 5 * HOUR)}"
    assert len((await staff.get(asked + window)).data) == 1
    assert (await staff.get(f"{asked}{window}&exclude_booking_id={moving.data['id']}")).data == []


async def test_a_client_sees_no_other_clients_time_fall_free(service: Service, staff: Caller) -> None:
    schedule_id = await staff.schedule(timezone="UTC")
    ada, bob = await service.client(staff.org_id, "cli_ada"), await service.client(staff.org_id, "cli_bob")
    hers = (await ada.book(schedule_id=schedule_id)).data["id"]
    asked = f"/api/v1/availability?schedule_id={schedule_id}&duration_minutes=60&exclude_booking_id={hers}"
    window = f"&from={text(SOON)}&to={text(SOON + HOUR)}"
    assert len((await ada.get(asked + window)).data) == 1
    assert (await bob.get(asked + window)).data == []
