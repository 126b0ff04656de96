"""Booking refuses what an entry was offered: the entry stays, and the place goes on."""

import pytest

from support.waiting_entries import marked
from support.waitlist_desk import Bistro, Desk, confirmed, held
from support.waitlist_service import WaitlistService
from waitlist.domain.errors import AlreadyBookedError, OfferGoneError


async def test_a_place_whose_hold_is_gone_is_offered_anew(service: WaitlistService, desk: Desk, bistro: Bistro) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    await desk.taking.release(desk.org_id, str((await desk.live(first["id"])).hold_id))
    await service.heard_all()
    await desk.forget()
    with pytest.raises(OfferGoneError):
        await desk.convert(first["id"])
    assert await desk.status(first["id"]) == "waiting"
    assert await marked(desk.database, desk.org_id) == {bistro.queue}
    await desk.match(bistro.queue)
    # It let nothing pass, and so is asked before the next.
    assert [await desk.status(one["id"]) for one in (first, second)] == ["notified", "waiting"]
    assert await held(desk) == [(await desk.live(first["id"])).hold_id]
    assert await desk.convert(first["id"]) in await confirmed(desk)


async def test_a_spot_of_somebody_who_has_one_already_goes_to_the_next(desk: Desk) -> None:
    queue = (await desk.staff.full_instance())["uid"]
    path, client_id = f"/v2/event_instances/{queue}", await desk.staff.client()
    first = await desk.staff.joined(eventInstanceId=queue, requestedDate=None, userId=client_id, contact=None)
    second = await desk.staff.joined(eventInstanceId=queue, requestedDate=None)
    assert (await desk.staff.booking.patch(path, {"max_attendance": 2})).status == 200
    await desk.match(queue)
    assert (await desk.staff.booking.patch(path, {"max_attendance": 3})).status == 200
    registered = await desk.staff.booking.post(f"{path}/registrations", {"client_id": client_id})
    assert registered.status == 201, registered.body

    with pytest.raises(AlreadyBookedError):
        await desk.convert(first["id"])
    assert (await desk.live(first["id"])).hold_id in await held(desk)
    desk.watch.turn(minutes=241)
    await desk.match(queue)
    assert [await desk.status(one["id"]) for one in (first, second)] == ["waiting", "notified"]
    assert await held(desk) == [(await desk.live(second["id"])).hold_id]
    assert await desk.convert(second["id"]) in await confirmed(desk)
