"""Limits over HTTP: what a caller is told who goes beyond them."""

from support.booking_service import SOON, Caller, somebody, text


async def test_who_books_too_fast_is_told_when_to_come_again(staff: Caller) -> None:
    schedule_id = await staff.schedule(capacity=3, max_bookings_per_minute=1)
    assert (await staff.book(schedule_id=schedule_id)).status == 201
    refused = await staff.book(schedule_id=schedule_id)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


async def test_a_full_day_and_a_slot_that_is_ones_own_are_conflicts(staff: Caller) -> None:
    schedule_id, ada = await staff.schedule(capacity=3, max_bookings_per_day=2), somebody()
    assert (await staff.book(schedule_id=schedule_id, attendee=ada)).status == 201
    again = await staff.book(schedule_id=schedule_id, attendee=ada)
    assert (again.status, again.code, again.body["error"]["param"]) == (409, "already_booked", "attendee.email")
    assert (await staff.book(schedule_id=schedule_id)).status == 201
    full = await staff.book(schedule_id=schedule_id, at=SOON.replace(hour=15))
    assert (full.status, full.code, full.body["error"]["param"]) == (409, "slot_unavailable", "start_time")


async def test_a_place_may_give_an_attendee_several_bookings_of_a_slot(staff: Caller) -> None:
    schedule_id, ada = await staff.schedule(capacity=2, one_per_attendee=False), somebody()
    answers = [await staff.book(schedule_id=schedule_id, attendee=ada) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 409]
    assert answers[-1].code == "slot_unavailable"


async def test_staff_move_an_attendee_knowingly_into_a_slot_of_theirs(staff: Caller) -> None:
    schedule_id, ada = await staff.schedule(capacity=2), somebody()
    await staff.book(schedule_id=schedule_id, attendee=ada)
    later = await staff.book(schedule_id=schedule_id, attendee=ada, at=SOON.replace(hour=15))
    path, back = f"/api/v1/bookings/{later.data['id']}", {"start_time": text(SOON)}
    assert (await staff.patch(path, back)).code == "already_booked"
    assert (await staff.patch(path, {**back, "override_availability": True})).status == 200
