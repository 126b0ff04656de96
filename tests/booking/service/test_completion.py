"""Bookings complete by themselves, and only those that may."""

from datetime import timedelta

import pytest

from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.reference import SCHEDULES
from booking.domain.status import Status
from support.booking_desk import ORIGIN, Desk
from support.booking_values import END, START, a_request

MINUTE = timedelta(minutes=1)


async def booked(desk: Desk, minutes: int | None = 30) -> Booking:
    schedule_id = await desk.schedule()
    async with desk.db.connection() as conn:
        await conn.execute(
            f"UPDATE {SCHEDULES.name} SET complete_after_minutes = $2 WHERE id = $1", schedule_id, minutes
        )
    return await desk.bookings.create(desk.actor, a_request(schedule_id=schedule_id), ORIGIN, None)


async def to(desk: Desk, booking: Booking, status: Status, *, correction: bool = False) -> Booking:
    change = Change(status=status, correction=correction)
    return await desk.bookings.change(desk.actor, booking.id, change, ORIGIN)


async def status_now(desk: Desk, booking: Booking) -> Status:
    while await desk.completion.complete_due():
        pass
    return (await desk.bookings.get(desk.actor, booking.id)).status


async def test_a_confirmed_booking_completes_once_its_grace_is_over(desk: Desk) -> None:
    booking = await to(desk, await booked(desk), Status.CONFIRMED)
    desk.now = END + 30 * MINUTE - timedelta(seconds=1)
    assert await status_now(desk, booking) is Status.CONFIRMED
    desk.now = END + 30 * MINUTE
    assert await status_now(desk, booking) is Status.COMPLETED
    last = (await desk.told(booking.id))[-1]
    assert (last.type, last.actor) == ("reservation.completed", "system")
    assert last.model_dump(mode="json")["data"]["change"] == {
        "from_status": "confirmed",
        "to_status": "completed",
        "reason": "ended",
    }


@pytest.mark.parametrize("statuses", [[], [Status.CONFIRMED, Status.LATE], [Status.CANCELLED]])
async def test_what_was_not_confirmed_or_has_no_way_there_stays(desk: Desk, statuses: list[Status]) -> None:
    booking = await booked(desk)
    for status in statuses:
        booking = await to(desk, booking, status)
    desk.now = END + 60 * MINUTE
    assert await status_now(desk, booking) is booking.status


async def test_what_was_confirmed_after_its_end_stays(desk: Desk) -> None:
    booking = await booked(desk)
    desk.now = END
    await to(desk, booking, Status.CONFIRMED)
    desk.now = END + 60 * MINUTE
    assert await status_now(desk, booking) is Status.CONFIRMED


async def test_a_corrected_no_show_is_left_to_staff(desk: Desk) -> None:
    booking = await to(desk, await booked(desk), Status.CONFIRMED)
    desk.now = END
    await to(desk, booking, Status.NO_SHOW)
    await to(desk, booking, Status.CONFIRMED, correction=True)
    desk.now = END + 60 * MINUTE
    assert await status_now(desk, booking) is Status.CONFIRMED


async def test_a_moved_booking_completes_after_its_new_end(desk: Desk) -> None:
    booking = await to(desk, await booked(desk), Status.CONFIRMED)
    later = Change(details={"start_time": START + 60 * MINUTE, "end_time": END + 60 * MINUTE})
    await desk.bookings.change(desk.actor, booking.id, later, ORIGIN)
    desk.now = END + 60 * MINUTE
    assert await status_now(desk, booking) is Status.CONFIRMED
    desk.now = END + 90 * MINUTE
    assert await status_now(desk, booking) is Status.COMPLETED


async def test_where_staff_complete_by_hand_nothing_does_it_for_them(desk: Desk) -> None:
    booking = await to(desk, await booked(desk, minutes=None), Status.CONFIRMED)
    desk.now = END + timedelta(days=300)
    assert await status_now(desk, booking) is Status.CONFIRMED
