"""Entries become bookings: of what they are offered, or of what staff choose instead."""

from datetime import timedelta

import pytest

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, confirmed, held
from support.waitlist_service import PATH, Guest, WaitlistService, somebody
from waitlist.domain.errors import OfferGoneError, PlaceTakenError
from waitlist.domain.offer import OfferState
from waitlist.store import offers


async def state_of(desk: Desk, offer_id: str) -> OfferState:
    """Tell where an offer stands."""
    async with desk.database.connection() as conn:
        return (await offers.fetch(conn, desk.org_id, offer_id)).state


async def taken_table(desk: Desk, evening: Bistro) -> str:
    """Answer the table of the booking that is left."""
    (booking_id,) = evening.bookings
    found = (await desk.staff.booking.get(f"/api/v1/bookings/{booking_id}")).data
    return str(found["table_ids"][0])


@pytest.mark.parametrize("later", [0, 30])
async def test_what_staff_choose_in_vain_leaves_the_guest_what_is_offered(
    desk: Desk, bistro: Bistro, service: WaitlistService, later: int
) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    entry = await evening.joins()
    await evening.falls_free()
    await desk.match(evening.queue)
    offer, start = await desk.live(entry["id"]), SOON + timedelta(minutes=later)
    table_id = await taken_table(desk, evening)
    with pytest.raises(PlaceTakenError):
        await desk.convert(entry["id"], start=start, end=start + timedelta(minutes=90), table_id=table_id)
    assert await desk.live(entry["id"]) == offer
    assert await held(desk) == [offer.hold_id]
    assert await desk.status(entry["id"]) == "notified"
    assert (await service.told(entry["id"]))[-1].type == "waitlist_entry.notified"


async def test_what_staff_choose_in_vain_leaves_the_guest_a_notice(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="notify_all")
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    notice, start = await desk.live(entry["id"]), SOON + timedelta(hours=3)
    taken = await desk.staff.booking.book(at=start, minutes=90, location_id=bistro.location_id, party_size=2)
    assert taken.status == 201
    with pytest.raises(PlaceTakenError):
        await desk.convert(entry["id"], start=start, end=start + timedelta(minutes=90))
    assert await desk.live(entry["id"]) == notice


async def test_a_hold_that_is_gone_ends_its_offer_whatever_staff_choose(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    await desk.taking.release(desk.org_id, str((await desk.live(entry["id"])).hold_id))
    start = SOON + timedelta(hours=3)
    with pytest.raises(OfferGoneError):
        await desk.convert(entry["id"], start=start, end=start + timedelta(minutes=90))
    assert await desk.offer(entry["id"]) is None
    assert await desk.status(entry["id"]) == "waiting"


async def test_a_booking_elsewhere_does_not_take_the_place_that_was_offered(desk: Desk, bistro: Bistro) -> None:
    entry, start = await bistro.joins(), SOON + timedelta(hours=3)
    await bistro.falls_free()
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    assert [await desk.convert(entry["id"], start=start, end=start + timedelta(minutes=90))] == await confirmed(desk)
    assert await state_of(desk, offer.id) is OfferState.WITHDRAWN
    assert await held(desk) == []


async def test_a_booking_of_just_what_is_offered_accepts_it(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    asked = {"start": offer.start_time, "end": offer.end_time, "table_id": offer.table_ids[0]}
    assert await desk.convert(entry["id"], **asked) is not None
    assert await state_of(desk, offer.id) is OfferState.ACCEPTED


async def test_a_booking_that_was_there_before_leaves_no_hold_behind(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    elsewhere = {"location_id": await desk.staff.location(), "waitlist_entry_id": entry["id"], "party_size": 2}
    await desk.staff.booking.table(elsewhere["location_id"], 2)
    times = {"start_time": entry["preferredStartTime"], "end_time": entry["preferredEndTime"]}
    at_booking = service.booking.waitlist(desk.org_id)
    booked = await at_booking.post("/api/v1/bookings", {**elsewhere, **times, "attendee": somebody()})
    assert booked.status == 201, booked.body
    assert await desk.convert(entry["id"]) == booked.data["id"]
    assert await held(desk) == []


async def test_staff_book_just_what_was_offered_past_its_deadline_too(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    desk.watch.turn(minutes=15)
    assert await held(desk) == [offer.hold_id]  # which outlasts the offer by a minute
    booked = await desk.convert(entry["id"], start=offer.start_time, end=offer.end_time)
    assert [booked] == await confirmed(desk)
    await desk.match(bistro.queue)
    assert (await state_of(desk, offer.id), await held(desk)) == (OfferState.WITHDRAWN, [])


async def test_staff_book_the_spot_that_was_offered_past_its_deadline_too(desk: Desk) -> None:
    queue = (await desk.staff.full_instance())["uid"]
    entry = await desk.staff.joined(eventInstanceId=queue, requestedDate=None)
    assert (await desk.staff.booking.patch(f"/v2/event_instances/{queue}", {"max_attendance": 2})).status == 200
    await desk.match(queue)
    desk.watch.turn(minutes=240)
    assert len(await held(desk)) == 1
    assert await desk.convert(entry["id"]) in await confirmed(desk)
    assert await held(desk) == []


async def test_a_client_takes_nothing_past_the_deadline(desk: Desk, client: Guest, bistro: Bistro) -> None:
    times = {"preferredStartTime": text(SOON), "preferredEndTime": text(SOON + timedelta(minutes=90))}
    entry = (await client.join(locationId=bistro.location_id, partySize=2, **times)).data
    await bistro.falls_free()
    await desk.match(bistro.queue)
    offer = await desk.live(entry["id"])
    desk.watch.turn(minutes=15)
    refused = await client.waitlist.post(f"{PATH}/{entry['id']}/convert", {})
    assert refused.code == "offer_gone"
    assert await held(desk) == [offer.hold_id]
