"""A schedule's limits: so many bookings a day, so many new ones a minute, one an attendee and slot."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.creation import Attendee
from booking.domain.errors import AlreadyBookedError, BookingError, SlotUnavailableError, TooManyBookingsError
from booking.domain.status import Status
from support.booking_desk import ORIGIN, Desk
from support.booking_service import somebody
from support.booking_values import ADA, START, a_request

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


async def limited(desk: Desk, **limits: int) -> str:
    schedule_id = await desk.schedule(capacity=5)
    async with desk.db.connection() as conn:
        for name, limit in limits.items():
            await conn.execute(f"UPDATE schedules SET {name} = $2 WHERE id = $1", schedule_id, limit)
    return schedule_id


async def book(desk: Desk, schedule_id: str, start: datetime = START, **fields: Any) -> Booking:
    visit = {"schedule_id": schedule_id, "start_time": start, "end_time": start + HOUR}
    asked = a_request(**{"visit": visit, "attendee": Attendee(**somebody()), **fields})
    return await desk.bookings.create(desk.actor, asked, ORIGIN, None)


async def test_a_date_takes_so_many_bookings_and_holds(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_day=2)
    first = await book(desk, schedule_id)
    held = await desk.hold(schedule_id, START + HOUR)
    with pytest.raises(SlotUnavailableError) as refused:
        await book(desk, schedule_id, START + 5 * HOUR)
    assert (refused.value.param, refused.value.details) == ("start_time", {"max_bookings_per_day": 2})
    assert await book(desk, schedule_id, START + 24 * HOUR)
    assert await book(desk, schedule_id, visit={}, hold_id=held.id), "a hold has its place already"
    await desk.bookings.cancel(desk.actor, first.id, None, ORIGIN)
    assert await book(desk, schedule_id)


async def test_a_date_is_the_schedules_own(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_day=1)
    async with desk.db.connection() as conn:
        await conn.execute("UPDATE schedules SET timezone = 'Asia/Tokyo' WHERE id = $1", schedule_id)
    midnight = datetime(2026, 6, 2, 15, tzinfo=UTC)  # in Tokyo
    await book(desk, schedule_id, midnight - HOUR)
    await book(desk, schedule_id, midnight)
    with pytest.raises(SlotUnavailableError):
        await book(desk, schedule_id, midnight + 23 * HOUR)


async def test_a_date_is_that_of_the_rules_and_not_of_the_databases_own_calendar(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_day=1)
    async with desk.db.connection() as conn:
        await conn.execute("UPDATE schedules SET timezone = 'CET' WHERE id = $1", schedule_id)
    await book(desk, schedule_id, datetime(2027, 7, 10, 22, 15, tzinfo=UTC))
    with pytest.raises(SlotUnavailableError):
        await book(desk, schedule_id, datetime(2027, 7, 10, 22, 30, tzinfo=UTC))


async def test_a_move_to_a_full_date_is_refused_and_one_within_it_is_not(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_day=1)
    here, there = await book(desk, schedule_id), await book(desk, schedule_id, START + 24 * HOUR)
    within = Change(details={"start_time": START + 2 * HOUR, "end_time": START + 3 * HOUR})
    assert await desk.bookings.change(desk.actor, here.id, within, ORIGIN)
    with pytest.raises(SlotUnavailableError):
        await desk.bookings.change(desk.actor, there.id, within, ORIGIN)


async def test_those_who_race_for_the_last_place_of_a_date_do_not_both_get_it(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_day=3)
    tries = [book(desk, schedule_id, START + n * HOUR) for n in range(12)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, BaseException)] == [SlotUnavailableError] * 9


async def test_a_minute_takes_so_many_new_bookings(desk: Desk) -> None:
    schedule_id = await limited(desk, max_bookings_per_minute=2)
    await book(desk, schedule_id)
    desk.now += 20 * SECOND
    await desk.hold(schedule_id, START + HOUR)
    with pytest.raises(TooManyBookingsError) as refused:
        await book(desk, schedule_id, START + 2 * HOUR)
    assert refused.value.details == {"max_bookings_per_minute": 2, "retry_after": 40}
    desk.now += 40 * SECOND
    assert await book(desk, schedule_id, START + 2 * HOUR)
    with pytest.raises(TooManyBookingsError):
        await book(desk, schedule_id, START + 3 * HOUR)


async def test_an_attendee_has_a_slot_once(desk: Desk) -> None:
    schedule_id = await limited(desk)
    first = await book(desk, schedule_id, attendee=ADA)
    again = Attendee("Ada", ADA.email.upper())
    with pytest.raises(AlreadyBookedError):
        await book(desk, schedule_id, attendee=again)
    later = await book(desk, schedule_id, START + HOUR, attendee=ADA)
    back = Change(details={"start_time": START})
    with pytest.raises(AlreadyBookedError):
        await desk.bookings.change(desk.actor, later.id, back, ORIGIN)
    await desk.bookings.change(desk.actor, first.id, Change(status=Status.CANCELLED), ORIGIN)
    assert await book(desk, schedule_id, attendee=again)


async def test_an_attendee_who_races_against_themselves_gets_one(desk: Desk) -> None:
    schedule_id = await limited(desk)
    tries = [book(desk, schedule_id, attendee=ADA) for _ in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Booking) for result in results) == 1
    assert all(isinstance(result, Booking | BookingError) for result in results)


async def test_staff_may_give_an_attendee_a_second_one_knowingly(desk: Desk) -> None:
    schedule_id = await limited(desk)
    await book(desk, schedule_id, attendee=ADA)
    visit = {"schedule_id": schedule_id, "start_time": START, "end_time": START + HOUR, "override_availability": True}
    assert await book(desk, schedule_id, visit=visit, attendee=ADA)
