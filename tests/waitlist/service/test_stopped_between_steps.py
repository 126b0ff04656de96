"""A process stops between any two steps of an offer or of a conversion: the next one goes on, and all ends well."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, StoppedError, confirmed, held
from waitlist.domain.errors import InvalidTransitionError, UnavailableError
from waitlist.domain.offer import OfferState
from waitlist.store import offers, queues

STEPS = [True, False]  # before booking is asked, and when it has answered


@pytest.mark.parametrize("before", STEPS)
async def test_an_offer_goes_on_where_it_stopped(desk: Desk, bistro: Bistro, before: bool) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    desk.taking.at = "hold", before
    with pytest.raises(StoppedError):
        await desk.match(bistro.queue)
    begun = await desk.live(first["id"])
    assert begun.state is OfferState.REQUESTED

    desk.watch.turn(seconds=21)  # nobody has it in hand any more
    await desk.match(bistro.queue)
    offer = await desk.live(first["id"])
    assert (offer.id, offer.state) == (begun.id, OfferState.LIVE)
    assert await held(desk) == [offer.hold_id]
    assert await desk.status(second["id"]) == "waiting"


@pytest.mark.parametrize("before", STEPS)
async def test_an_offer_whose_answer_did_not_come_goes_on_at_once(desk: Desk, bistro: Bistro, before: bool) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    desk.taking.at, desk.taking.error = ("hold", before), UnavailableError("away")
    with pytest.raises(UnavailableError):
        await desk.match(bistro.queue)
    await desk.match(bistro.queue)
    assert await held(desk) == [(await desk.live(entry["id"])).hold_id]


@pytest.mark.parametrize("before", STEPS)
async def test_a_hold_is_given_back_whose_entry_left_meanwhile(desk: Desk, bistro: Bistro, before: bool) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    desk.taking.at = "hold", before
    with pytest.raises(StoppedError):
        await desk.match(bistro.queue)
    await desk.remove(first["id"])
    desk.watch.turn(seconds=21)
    await desk.match(bistro.queue)
    assert await desk.offer(first["id"]) is None
    assert await held(desk) == [(await desk.live(second["id"])).hold_id]


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("change", [{"party_size": 3}, {"preferred_start": SOON + timedelta(hours=3)}])
async def test_a_hold_is_given_back_whose_entry_asks_for_something_else_by_now(
    desk: Desk, bistro: Bistro, before: bool, change: dict[str, Any]
) -> None:
    first, second = await bistro.joins(preferredEndTime=text(SOON + timedelta(hours=6))), await bistro.joins()
    await bistro.falls_free()
    desk.taking.at = "hold", before
    with pytest.raises(StoppedError):
        await desk.match(bistro.queue)
    await desk.change(first["id"], **change)
    desk.watch.turn(seconds=21)
    await desk.match(bistro.queue)
    theirs, other = await desk.live(second["id"]), await desk.offer(first["id"])
    assert theirs.start_time == SOON
    assert other is None or other.start_time == SOON + timedelta(hours=3)
    assert len(await held(desk)) == (1 if other is None else 2)


@pytest.mark.parametrize("before", STEPS)
async def test_a_conversion_goes_on_where_it_stopped(desk: Desk, bistro: Bistro, before: bool) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.taking.at = "book", before
    with pytest.raises(StoppedError):
        await desk.convert(entry["id"])
    with pytest.raises(InvalidTransitionError, match="right now"):
        await desk.convert(entry["id"])

    desk.watch.turn(minutes=16)  # the offer's time has run out meanwhile: it was accepted before
    await desk.match(bistro.queue)
    status = await desk.status(entry["id"])
    if before:  # the hold has expired, and nobody was asked: the offer is made anew
        assert (status, await confirmed(desk)) == ("notified", [])
        assert await desk.convert(entry["id"]) is not None
    assert await desk.status(entry["id"]) == "converted"
    assert len(await confirmed(desk)) == 1
    assert await held(desk) == []


@pytest.mark.parametrize("before", STEPS)
async def test_a_conversion_waits_for_what_is_being_held_for_its_entry(
    desk: Desk, bistro: Bistro, before: bool
) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    desk.taking.at = "hold", before
    with pytest.raises(StoppedError):
        await desk.match(bistro.queue)
    converting = asyncio.create_task(desk.convert(entry["id"], start=SOON, end=SOON + timedelta(minutes=90)))
    await asyncio.sleep(0.5)
    assert not converting.done()  # somebody has the offer in hand, as far as anybody can tell
    desk.watch.turn(seconds=21)
    assert [await converting] == await confirmed(desk)
    assert await held(desk) == []


async def test_a_conversion_that_stood_still_for_days_books_nothing_twice(desk: Desk, bistro: Bistro) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    entry = await evening.joins()
    await evening.falls_free()
    await evening.falls_free()
    desk.taking.at = "book", False
    with pytest.raises(StoppedError):
        await desk.convert(entry["id"], start=SOON, end=SOON + timedelta(minutes=90))
    async with desk.at_booking.connection() as conn:  # booking keeps no key for longer than a day
        await conn.execute("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'")
    desk.watch.turn(hours=25)
    await desk.match(evening.queue)
    assert await desk.status(entry["id"]) == "converted"
    booked = await confirmed(desk)
    assert await desk.convert(entry["id"]) in booked
    assert len(booked) == 1


@pytest.mark.parametrize("before", STEPS)
async def test_a_conversion_is_gone_on_with_by_whoever_asks_again(desk: Desk, bistro: Bistro, before: bool) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.taking.at, desk.taking.error = ("book", before), UnavailableError("away")
    with pytest.raises(UnavailableError):
        await desk.convert(entry["id"])
    booking_id = await desk.convert(entry["id"])
    assert await confirmed(desk) == [booking_id]
    assert await held(desk) == []


@pytest.mark.parametrize("before", STEPS)
async def test_a_hold_is_given_back_in_the_end(desk: Desk, bistro: Bistro, before: bool) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await desk.match(bistro.queue)
    desk.taking.at = "release", before
    with pytest.raises(StoppedError):
        await desk.decline(first["id"])
    assert await desk.status(first["id"]) == "waiting"
    await desk.match(bistro.queue)
    assert await held(desk) == [(await desk.live(second["id"])).hold_id]


async def test_what_stands_still_is_found(desk: Desk, bistro: Bistro) -> None:
    entry = await bistro.joins()
    await bistro.falls_free()
    assert not await desk.standing_still(bistro.queue)
    desk.taking.at = "hold", True
    with pytest.raises(StoppedError):
        await desk.match(bistro.queue)
    assert not await desk.standing_still(bistro.queue)  # it is in somebody's hands
    desk.watch.turn(seconds=21)
    assert await desk.standing_still(bistro.queue)
    await desk.match(bistro.queue)
    assert not await desk.standing_still(bistro.queue)
    desk.taking.at = "book", True
    with pytest.raises(StoppedError):
        await desk.convert(entry["id"])
    desk.watch.turn(seconds=21)
    assert await desk.standing_still(bistro.queue)
    await desk.match(bistro.queue)
    assert await desk.status(entry["id"]) == "converted"
    assert not await desk.standing_still(bistro.queue)


async def test_what_is_due_already_does_not_hide_what_stands_still_elsewhere(desk: Desk, bistro: Bistro) -> None:
    other = await Bistro.of(bistro.staff)
    for place in (bistro, other):
        await place.joins()
        await place.falls_free()
        desk.taking.at = "hold", True
        with pytest.raises(StoppedError):
            await desk.match(place.queue)
    desk.watch.turn(seconds=21)
    found = []
    async with desk.database.transaction() as conn:
        await conn.execute("LOCK TABLE queues; DELETE FROM queues")
        for _ in range(1_000):
            for standing in await offers.queues_to_resume(conn, desk.watch(), 1):
                found.append(standing)
                await queues.mark(conn, *standing)
    assert {(desk.org_id, bistro.queue), (desk.org_id, other.queue)} <= set(found)
    assert len(set(found)) == len(found)
