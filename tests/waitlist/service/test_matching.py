"""Whose turn it is: what falls free is held for the next whom it fits, and told; nobody is overtaken."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chassis.postgres import Connection
from support.booking_service import SOON, text
from support.event_instances import registered
from support.waiting import eventually
from support.waiting_entries import put, waits
from support.waitlist_desk import ORIGIN, Bistro, Desk, StoppedError, change_of, confirmed, held
from support.waitlist_service import PATH, Guest, WaitlistService
from waitlist.client.taking import Refused
from waitlist.domain.entry import waited_for
from waitlist.domain.offer import Held, Offer, OfferState
from waitlist.domain.terms import Terms, Wanted
from waitlist.domain.visits import Place
from waitlist.service.ending import AT_ONCE
from waitlist.service.finding import own, system
from waitlist.store import entries, queues


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
    "change", [{"party_size": 1}, {"preferred_start": SOON, "preferred_end": SOON + timedelta(hours=1)}]
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


async def states(desk: Desk, queue: str) -> list[str]:
    """Read how the offers of a queue stand."""
    async with desk.database.connection() as conn:
        rows = await conn.fetch(
            "SELECT state FROM offers WHERE org_id = $1 AND queue = $2 ORDER BY id", desk.org_id, queue
        )
    return [row["state"] for row in rows]


async def test_what_others_offered_meanwhile_is_not_asked_for_again(desk: Desk, bistro: Bistro) -> None:
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()

    async def staff_offer_it_and_stop() -> None:
        desk.taking.at = "hold", False
        with contextlib.suppress(StoppedError):
            await desk.use.notifying.notify(desk.actor, second["id"], Wanted(), ORIGIN, None)
        desk.watch.turn(seconds=21)

    desk.taking.meanwhile = staff_offer_it_and_stop
    await desk.match(bistro.queue)
    assert [await desk.status(one["id"]) for one in (first, second)] == ["waiting", "notified"]
    assert await states(desk, bistro.queue) == ["live"]


_WAITS_FOR_A_LOCK = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND $1::integer = ANY (pg_blocking_pids(pid))
)
"""


async def stuck(desk: Desk, queue: str, conn: Connection) -> asyncio.Task[None]:
    """Begin a match, and answer it once it waits for a lock that somebody holds."""
    matching = asyncio.create_task(desk.match(queue))

    async def waits_for_it() -> bool:
        async with desk.database.connection() as other:
            return bool(await other.fetchval(_WAITS_FOR_A_LOCK, conn.get_server_pid()))

    await eventually(waits_for_it)
    return matching


@pytest.mark.parametrize("way", ["offer_one", "notify_all"])
async def test_who_begins_to_become_a_booking_is_offered_nothing_then(desk: Desk, bistro: Bistro, way: str) -> None:
    evening = await Bistro.of(bistro.staff, tables=2)
    await evening.policy(policy=way)
    entry, second = (await evening.joins())["id"], (await evening.joins())["id"]
    await evening.falls_free()
    await evening.falls_free()
    async with desk.database.transaction() as conn:
        found = await own(conn, desk.org_id, entry)
        matching = await stuck(desk, evening.queue, conn)
        terms = Terms(Place(SOON, SOON + timedelta(minutes=90)))
        maker = system(desk.org_id)
        conversion = await desk.use.converting.begin_at(conn, found, terms, None, actor=maker, origin=ORIGIN)
    assert await desk.use.converting.carry_out(conversion) is None
    await matching
    assert [await desk.status(one) for one in (entry, second)] == ["converted", "notified"]
    assert await states(desk, evening.queue) == ["live"]


async def is_matched_at_another_time(desk: Desk, queue: str, entry_id: str) -> datetime:
    """Match while an entry is on its way to a later window; answers where that begins."""
    later = SOON + timedelta(hours=3)
    async with desk.database.transaction() as conn:
        found = await own(conn, desk.org_id, entry_id)
        matching = await stuck(desk, queue, conn)
        await entries.update(conn, replace(found, window_start=later, window_end=later + timedelta(minutes=90)))
    await matching
    return later


@pytest.mark.parametrize("way", ["offer_one", "notify_all"])
async def test_who_moves_to_another_time_is_offered_nothing_of_the_time_before(
    desk: Desk, bistro: Bistro, service: WaitlistService, way: str
) -> None:
    await bistro.policy(policy=way)
    entry = (await bistro.joins())["id"]
    await bistro.falls_free()
    later = await is_matched_at_another_time(desk, bistro.queue, entry)
    assert (await desk.live(entry)).start_time == later
    assert [event.type.partition(".")[2] for event in await service.told(entry)] == ["joined", "notified"]


async def test_who_moves_to_another_time_is_not_booked_at_the_time_before(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="auto_convert")
    entry = (await bistro.joins())["id"]
    await bistro.falls_free()
    later = await is_matched_at_another_time(desk, bistro.queue, entry)
    (booking_id,) = await confirmed(desk)
    assert (await desk.staff.booking.get(f"/api/v1/bookings/{booking_id}")).data["start_time"] == text(later)


async def test_who_moves_to_another_time_just_before_its_own_is_over_stays(desk: Desk, bistro: Bistro) -> None:
    entry = (await bistro.joins())["id"]
    desk.watch.ahead = SOON - desk.watch() + timedelta(minutes=1)
    later = await is_matched_at_another_time(desk, bistro.queue, entry)
    assert (await desk.live(entry)).start_time == later


async def changed_at_once(desk: Desk) -> int:
    """Count the entries that the same transaction changed, at most."""
    async with desk.database.connection() as conn:
        rows = await conn.fetch("SELECT count(*) AS number FROM entries WHERE org_id = $1 GROUP BY xmin", desk.org_id)
    return max(int(row["number"]) for row in rows)


async def test_no_transaction_changes_more_than_so_many_entries(desk: Desk, bistro: Bistro) -> None:
    await bistro.policy(policy="notify_all")
    day = waited_for(bistro.queue).requested_date
    assert day is not None
    window: dict[str, Any] = {"window_start": SOON, "window_end": SOON + timedelta(minutes=90)}
    for _ in range(AT_ONCE + 10):
        await put(desk.database, waits(desk.org_id, location_id=bistro.location_id, day=day, party_size=2, **window))

    async def all_are(status: str) -> None:
        await desk.match(bistro.queue)
        async with desk.database.connection() as conn:
            found = await conn.fetch("SELECT DISTINCT status FROM entries WHERE org_id = $1", desk.org_id)
        assert [row["status"] for row in found] == [status]
        assert await changed_at_once(desk) <= AT_ONCE

    async def is_taken() -> None:
        booked = await bistro.staff.booking.book(at=SOON, minutes=90, location_id=bistro.location_id, party_size=2)
        bistro.bookings.append(booked.data["id"])

    await bistro.falls_free()
    await all_are("notified")
    await is_taken()
    await all_are("waiting")  # what they were told of is gone
    await bistro.falls_free()
    await all_are("notified")
    await is_taken()
    desk.watch.turn(minutes=16)
    await all_are("waiting")  # time ran out


@pytest.mark.parametrize("way", ["offer_one", "notify_all"])
async def test_an_event_that_moves_is_offered_anew(desk: Desk, service: WaitlistService, way: str) -> None:
    staff = desk.staff
    instance = await staff.full_instance(1)
    queue = instance["uid"]
    policy = await staff.waitlist.send("PUT", f"{PATH}/policies/{instance['service_id']}", {"policy": way})
    assert policy.status == 200, policy.body
    entry = await staff.joined(eventInstanceId=queue, requestedDate=None)
    assert (await staff.booking.patch(f"/v2/event_instances/{queue}", {"max_attendance": 2})).status == 200
    await desk.match(queue)
    before = await desk.live(entry["id"])
    later = before.start_time + timedelta(hours=1)
    times = {"start_time": text(later), "end_time": text(before.end_time + timedelta(hours=1))}
    moved = await staff.booking.patch(f"/v2/event_instances/{queue}", times)
    assert moved.status == 200, moved.body
    await desk.match(queue)
    offer = await desk.live(entry["id"])
    assert (offer.start_time, offer.id != before.id) == (later, True)
    assert await held(desk) == ([offer.hold_id] if way == "offer_one" else [])
    told = [event.type.partition(".")[2] for event in await service.told(entry["id"])]
    assert told == ["joined", "notified", "offer_expired", "notified"]


@pytest.mark.parametrize("way", ["offer_one", "notify_all"])
async def test_an_event_that_moves_while_it_is_asked_for_keeps_what_others_offer_of_it(
    desk: Desk, service: WaitlistService, way: str
) -> None:
    staff = desk.staff
    instance = await staff.full_instance(1)
    queue = instance["uid"]
    await staff.waitlist.send("PUT", f"{PATH}/policies/{instance['service_id']}", {"policy": way})
    entry = await staff.joined(eventInstanceId=queue, requestedDate=None)
    assert (await staff.booking.patch(f"/v2/event_instances/{queue}", {"max_attendance": 2})).status == 200
    await desk.match(queue)
    later = SOON + timedelta(hours=5)

    async def moves() -> None:
        times = {"start_time": text(later), "end_time": text(later + timedelta(hours=1))}
        assert (await staff.booking.patch(f"/v2/event_instances/{queue}", times)).status == 200
        await desk.match(queue)

    desk.booking.meanwhile = moves
    await desk.match(queue)
    assert (await desk.live(entry["id"])).start_time == later
    told = [event.type.partition(".")[2] for event in await service.told(entry["id"])]
    assert told == ["joined", "notified", "offer_expired", "notified"]


async def test_who_joins_an_event_that_is_on_again_while_it_is_asked_for_is_not_taken_off(desk: Desk) -> None:
    staff, joined = desk.staff, list[str]()
    queue = (await staff.full_instance(1))["uid"]
    path = f"/v2/event_instances/{queue}"

    async def joins() -> None:
        joined.append((await staff.joined(eventInstanceId=queue, requestedDate=None))["id"])

    async def is_on_again() -> None:
        assert (await staff.booking.patch(path, {"status": "scheduled"})).status == 200
        await registered(staff.booking, queue)  # its spot is taken again: nobody is offered it
        await joins()

    await joins()
    assert (await staff.booking.post(f"{path}/cancel", {})).status == 200
    desk.booking.meanwhile = is_on_again
    await desk.match(queue)
    assert [await desk.status(one) for one in joined] == ["waiting", "waiting"]


async def test_who_came_to_a_cancelled_event_while_it_was_asked_for_is_taken_off_as_well(desk: Desk) -> None:
    queue = (await desk.staff.full_instance(1))["uid"]
    some = [waits(desk.org_id, instance_id=queue, party_size=1, version=1) for _ in range(2)]
    await put(desk.database, some[0])
    assert (await desk.staff.booking.post(f"/v2/event_instances/{queue}/cancel", {})).status == 200
    desk.booking.meanwhile = partial(put, desk.database, some[1])
    await desk.match(queue)
    assert [await desk.status(one.id) for one in some] == ["removed", "removed"]


async def test_an_event_that_is_put_off_while_a_match_waits_ends_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff, hold, others = desk.staff, desk.taking.hold, contextlib.AsyncExitStack()
    queue = (await staff.full_instance(1))["uid"]
    path = f"/v2/event_instances/{queue}"
    first, second = [(await staff.joined(eventInstanceId=queue, requestedDate=None))["id"] for _ in range(2)]
    assert (await staff.booking.patch(path, {"max_attendance": 2})).status == 200

    async def holds(offer: Offer) -> Held | Refused:
        held = await hold(offer)
        conn = await others.enter_async_context(desk.database.transaction())
        await queues.lock(conn, desk.org_id, queue)
        return held

    async def is_notified() -> bool:
        return await desk.status(first) == "notified"

    desk.watch.ahead = SOON - desk.watch() - timedelta(minutes=30)
    monkeypatch.setattr(desk.taking, "hold", holds)
    match = asyncio.create_task(desk.match(queue))
    await eventually(is_notified)
    monkeypatch.undo()
    times = {"start_time": text(SOON + timedelta(hours=5)), "end_time": text(SOON + timedelta(hours=6))}
    assert (await staff.booking.patch(path, times)).status == 200
    desk.watch.turn(minutes=31)
    await others.aclose()
    await match
    assert [await desk.status(one) for one in (first, second)] == ["notified", "waiting"]


async def test_what_falls_free_while_it_is_asked_for_stays_as_others_tell_of_it(
    desk: Desk, bistro: Bistro, service: WaitlistService
) -> None:
    await bistro.policy(policy="notify_all")
    entry = (await bistro.joins())["id"]

    async def falls_free() -> None:
        await bistro.falls_free()
        await desk.match(bistro.queue)

    desk.taking.meanwhile = falls_free
    await desk.match(bistro.queue)
    assert await desk.status(entry) == "notified"
    assert [event.type.partition(".")[2] for event in await service.told(entry)] == ["joined", "notified"]
