"""Whose turn it is: what falls free is held for the next whom it fits, and told; nobody is overtaken."""

from datetime import timedelta
from typing import Any

import pytest

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, change_of
from support.waitlist_service import PATH, Guest, WaitlistService
from waitlist.domain.offer import OfferState


async def test_what_falls_free_is_held_for_the_first_and_told(
    desk: Desk, staff: Guest, bistro: Bistro, service: WaitlistService
) -> None:
    first = await bistro.joins()
    second = await bistro.joins()
    await desk.match(bistro.queue)
    assert await desk.status(first["id"]) == "waiting"

    await bistro.falls_free()
    await desk.match(bistro.queue)

    offer = await desk.live(first["id"])
    assert offer.state is OfferState.LIVE
    assert offer.start_time == SOON
    assert len(offer.table_ids) == 1
    assert await desk.status(second["id"]) == "waiting"
    refused = await staff.booking.book(at=SOON, minutes=90, location_id=bistro.location_id, party_size=2)
    assert refused.code == "slot_unavailable"  # it is held
    told = await service.told(first["id"])
    assert [event.type for event in told] == ["waitlist_entry.joined", "waitlist_entry.notified"]
    change = change_of(told)
    assert (change["offerId"], change["attempt"]) == (offer.id, 1)
    assert change["slot"] == {
        "startTime": text(SOON),
        "endTime": text(SOON + timedelta(minutes=90)),
        "tableIds": list(offer.table_ids),
    }
    assert change["claimUrl"].startswith("https://guests.example/w/")


async def test_an_offer_that_expires_goes_to_the_next_without_anybody_sweeping(desk: Desk, bistro: Bistro) -> None:
    first = await bistro.joins()
    second = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.watch.turn(minutes=16)
    await desk.match(bistro.queue)
    assert await desk.status(first["id"]) == "waiting"
    assert await desk.status(second["id"]) == "notified"
    desk.watch.turn(minutes=16)
    await desk.match(bistro.queue)  # both were asked: it begins again
    assert await desk.status(first["id"]) == "notified"
    assert (await desk.live(first["id"])).attempt == 2


async def test_an_offer_becomes_the_booking_that_it_held(
    desk: Desk, staff: Guest, bistro: Bistro, service: WaitlistService
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
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
    assert change_of(told) == {"bookingId": booking["id"]}


async def test_who_joins_ahead_while_booking_is_asked_is_not_overtaken(desk: Desk, bistro: Bistro) -> None:
    first = await bistro.joins()
    urgent: list[dict[str, Any]] = []
    await bistro.falls_free()

    async def joins() -> None:
        urgent.append(await bistro.joins(partySize=1, priority=1))  # of such a party booking was not asked

    desk.taking.meanwhile = joins
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (*urgent, first)] == ["notified", "waiting"]


LATE = {"preferred_start": SOON + timedelta(hours=3), "preferred_end": SOON + timedelta(hours=6)}


@pytest.mark.parametrize(
    "change", [{"party_size": 1}, {"preferred_start": SOON, "preferred_end": LATE["preferred_start"]}]
)
async def test_who_changes_while_booking_is_asked_is_not_overtaken(
    desk: Desk, bistro: Bistro, change: dict[str, Any]
) -> None:
    hours = {"preferredStartTime": text(LATE["preferred_start"]), "preferredEndTime": text(LATE["preferred_end"])}
    taken = await bistro.staff.booking.book(
        at=LATE["preferred_start"], minutes=180, location_id=bistro.location_id, party_size=2
    )
    assert taken.status == 201
    first = await bistro.joins(**({} if "party_size" in change else hours))
    second = await bistro.joins()
    if "party_size" in change:
        await desk.change(first["id"], party_size=4)
    await bistro.falls_free()

    async def changes() -> None:
        await desk.change(first["id"], **change)

    desk.taking.meanwhile = changes
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (first, second)] == ["notified", "waiting"]
