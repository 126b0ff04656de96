"""Free time: what is offered can be booked, and what can be booked is offered."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.domain.hours import WEEKDAYS
from support.booking_service import Answer, Caller, text

PATH = "/api/v1/availability"
YEAR = datetime.now(UTC).year + 2
NIGHTS = {day: [{"start": "09:00", "end": "12:00"}, {"start": "20:00", "end": "04:00"}] for day in WEEKDAYS}
CLOCK_CHANGES = [
    ("Europe/Berlin", date(YEAR, 3, 31)),
    ("Europe/Berlin", date(YEAR, 10, 31)),
    ("America/New_York", date(YEAR, 3, 14)),
    ("America/New_York", date(YEAR, 11, 7)),
    ("Australia/Lord_Howe", date(YEAR, 4, 7)),
    ("Australia/Lord_Howe", date(YEAR, 10, 7)),
    ("America/Santiago", date(YEAR, 4, 8)),
    ("America/Santiago", date(YEAR, 9, 8)),
]
HOUR = timedelta(hours=1)


async def found(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name.strip('_')}={value}" for name, value in asked.items())
    slots: list[dict[str, Any]] = (await caller.get(f"{PATH}?{query}")).data
    return slots


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


async def book(caller: Caller, start: datetime, minutes: int = 60, **fields: Any) -> Answer:
    return await caller.book(at=start, minutes=minutes, **fields)


@pytest.mark.parametrize(("zone", "near"), CLOCK_CHANGES, ids=str)
async def test_on_the_days_of_a_change_of_the_clock_what_is_offered_is_what_can_be_booked(
    staff: Caller, zone: str, near: date
) -> None:
    """Every half hour of three days is tried; the hours have a morning and a night."""
    schedule_id = await staff.schedule(timezone=zone, weekly_hours=NIGHTS)
    where = ZoneInfo(zone)
    begin = datetime(near.year, near.month, near.day, tzinfo=where) - timedelta(days=7)
    change = next(
        begin + timedelta(days=number)
        for number in range(14)
        if (begin + timedelta(days=number)).utcoffset() != (begin + timedelta(days=number + 1)).utcoffset()
    )
    days = [(change + timedelta(days=number)).date() for number in (-1, 0, 1)]
    slots = await found(
        staff, schedule_id=schedule_id, from_=days[0], to=days[-1], duration_minutes=60, interval_minutes=30
    )
    offered = {instant(slot["start_time"]) for slot in slots}
    assert all(instant(slot["local_start"]) == instant(slot["start_time"]) for slot in slots)
    assert {instant(slot["local_start"]).date() for slot in slots} == set(days)
    first, end = (
        datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)
        for day in (days[0], days[-1] + timedelta(days=1))
    )
    while first < end:
        answer = await book(staff, first, schedule_id=schedule_id)
        if answer.status == 201:
            await staff.delete(f"/api/v1/bookings/{answer.data['id']}")
        assert (answer.status == 201) == (first in offered), first
        first += HOUR / 2


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
    ],
)
async def test_a_search_that_says_nothing_sensible_is_refused(staff: Caller, query: str, param: str) -> None:
    answer = await staff.get(f"{PATH}?{query.format(id=await staff.schedule())}")
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
