"""Whose turn it is: what falls free is held for the next whom it fits, and told; nobody is overtaken."""

from datetime import timedelta

import pytest

from support.booking_service import SOON, text
from support.waitlist_desk import Desk, queue_at, taken
from support.waitlist_service import PATH, Guest, WaitlistService
from waitlist.domain.offer import OfferState

WINDOW = {"preferredStartTime": text(SOON), "preferredEndTime": text(SOON + timedelta(minutes=90))}


@pytest.fixture
async def bistro(staff: Guest) -> tuple[str, str]:
    """A location with one table for two, taken at the time to book; answers its id and the booking's."""
    location_id = await staff.location()
    await staff.booking.table(location_id, 2)
    return location_id, (await taken(staff, location_id, SOON, party_size=2))["id"]


async def test_what_falls_free_is_held_for_the_first_and_told(
    desk: Desk, staff: Guest, bistro: tuple[str, str], service: WaitlistService
) -> None:
    location_id, booking_id = bistro
    first = await staff.joined(locationId=location_id, partySize=2, **WINDOW)
    second = await staff.joined(locationId=location_id, partySize=2, **WINDOW)
    await desk.match(queue_at(location_id))
    assert await desk.status(first["id"]) == "waiting"

    assert (await staff.booking.delete(f"/api/v1/bookings/{booking_id}")).status == 200
    await desk.match(queue_at(location_id))

    offer = await desk.live(first["id"])
    assert offer.state is OfferState.LIVE
    assert offer.start_time == SOON
    assert len(offer.table_ids) == 1
    assert await desk.status(second["id"]) == "waiting"
    refused = await staff.booking.book(at=SOON, minutes=90, location_id=location_id, party_size=2)
    assert refused.code == "slot_unavailable"  # it is held
    told = await service.told(first["id"])
    assert [event.type for event in told] == ["waitlist_entry.joined", "waitlist_entry.notified"]
    change = told[-1].data.change
    assert (change.offer_id, change.attempt, change.slot.table_ids) == (offer.id, 1, offer.table_ids)


async def test_an_offer_that_expires_goes_to_the_next_without_anybody_sweeping(
    desk: Desk, staff: Guest, bistro: tuple[str, str]
) -> None:
    location_id, booking_id = bistro
    first = await staff.joined(locationId=location_id, partySize=2, **WINDOW)
    second = await staff.joined(locationId=location_id, partySize=2, **WINDOW)
    await staff.booking.delete(f"/api/v1/bookings/{booking_id}")
    await desk.match(queue_at(location_id))
    desk.watch.turn(minutes=16)
    await desk.match(queue_at(location_id))
    assert await desk.status(first["id"]) == "waiting"
    assert await desk.status(second["id"]) == "notified"
    desk.watch.turn(minutes=16)
    await desk.match(queue_at(location_id))  # both were asked: it begins again
    assert await desk.status(first["id"]) == "notified"
    assert (await desk.live(first["id"])).attempt == 2


async def test_an_offer_becomes_the_booking_that_it_held(
    desk: Desk, staff: Guest, bistro: tuple[str, str], service: WaitlistService
) -> None:
    location_id, booking_id = bistro
    entry = await staff.joined(locationId=location_id, partySize=2, **WINDOW)
    await staff.booking.delete(f"/api/v1/bookings/{booking_id}")
    await desk.match(queue_at(location_id))
    offer = await desk.live(entry["id"])

    converted = await staff.waitlist.post(f"{PATH}/{entry['id']}/convert", {})
    assert converted.data["status"] == "converted", converted.body
    again = await staff.waitlist.post(f"{PATH}/{entry['id']}/convert", {})
    assert again.data["bookingId"] == converted.data["bookingId"]
    booking = (await staff.booking.get(f"/api/v1/bookings/{converted.data['bookingId']}")).data
    assert (booking["status"], booking["source"], tuple(booking["table_ids"])) == (
        "CONFIRMED",
        "waitlist",
        offer.table_ids,
    )
    told = await service.told(entry["id"])
    assert told[-1].type == "waitlist_entry.converted"
    assert told[-1].data.change.booking_id == booking["id"]
