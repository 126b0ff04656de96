"""The composed service works without being asked: what falls free, what is over, what was missed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.postgres import Database
from slotwire_contracts import WaitlistEntryNotified, WaitlistEntryRemoved
from support.booking_service import SOON
from support.event_instances import add_instance, hold, registered
from support.servers import Servers
from support.waiting import eventually
from support.waiting_entries import marked, put, statuses, waits
from support.waitlist_desk import Bistro, Desk, held
from support.waitlist_service import PATH, Guest, WaitlistService, instant, running_waitlist
from support.watch import Watch
from waitlist.domain.status import Status


@pytest.fixture
async def working(servers: Servers, service: WaitlistService, turned: Watch) -> AsyncIterator[None]:
    """Another process of the service, which matches."""
    async with running_waitlist(servers, service.booking, turned, waitlist_sweep=3600):
        yield


async def becomes(guest: Guest, entry_id: str, status: str) -> None:
    """Wait until an entry has a status."""

    async def has_become() -> bool:
        return bool((await guest.waitlist.get(f"{PATH}/{entry_id}")).data["status"] == status)

    await eventually(has_become)


@pytest.mark.usefixtures("working")
async def test_when_a_booking_is_cancelled_who_waits_is_offered_its_place(
    service: WaitlistService, staff: Guest, bistro: Bistro
) -> None:
    """From booking's commit through the topic, the mark and the match to the waitlist's own topic."""
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await becomes(staff, first["id"], "notified")
    last = (await service.told(first["id"]))[-1]
    assert isinstance(last, WaitlistEntryNotified)
    assert (last.data.change.attempt, last.actor) == (1, "system")
    assert (await staff.waitlist.get(f"{PATH}/{second['id']}")).data["status"] == "waiting"
    # Whoever leaves passes the place on.
    assert (await staff.waitlist.delete(f"{PATH}/{first['id']}")).status == 200
    await becomes(staff, second["id"], "notified")


Frees = tuple[str, Callable[[], Awaitable[Any]]]
"""An entry that waits, and what frees something for it."""


async def another_table(staff: Guest) -> Frees:
    bistro = await Bistro.of(staff)
    return (await bistro.joins())["id"], lambda: staff.booking.table(bistro.location_id, 2)


async def moved(staff: Guest) -> Frees:
    bistro = await Bistro.of(staff)
    later = {"start_time": instant(hours=3), "end_time": instant(hours=4, minutes=30)}
    path = f"/api/v1/bookings/{bistro.bookings[0]}"
    return (await bistro.joins())["id"], lambda: staff.booking.patch(path, later)


async def shrunk(staff: Guest) -> Frees:
    instance = await add_instance(staff.booking, max_attendance=3)
    path = f"/api/v1/bookings/{(await registered(staff.booking, instance['uid'], party_size=3))['id']}"
    entry = await staff.joined(eventInstanceId=instance["uid"], requestedDate=None)
    return entry["id"], lambda: staff.booking.patch(path, {"party_size": 2})


async def a_hold_that_runs_out(staff: Guest) -> Frees:
    """Of five minutes, which have passed by the booking service's clock soon."""
    bistro = await Bistro.of(staff, tables=0)
    await staff.booking.table(bistro.location_id, 2)
    held = await staff.booking.hold(minutes=90, location_id=bistro.location_id, party_size=2, ttl_minutes=5)
    assert held.status == 201, held.body
    return (await bistro.joins())["id"], held_no_more


async def held_no_more() -> None:
    """Nothing is done: time passes."""


async def called_off_and_on_again(staff: Guest, service: WaitlistService) -> Frees:
    """Who waited has been taken off by then; somebody waits whom nobody has told of it.

    Its spot is only held: nothing that ends with the event is a reason to look at its queue once more.
    """
    uid = (await add_instance(staff.booking, max_attendance=1))["uid"]
    await hold(staff.booking, uid, 1)
    gone = await staff.joined(eventInstanceId=uid, requestedDate=None)
    assert (await staff.booking.post(f"/v2/event_instances/{uid}/cancel", {})).status == 200
    await becomes(staff, gone["id"], "removed")
    await comes_to_rest(service, staff.org_id, uid)
    entry = waits(staff.org_id, instance_id=uid, party_size=1, version=1)
    await put(service.database, entry)
    return entry.id, lambda: staff.booking.patch(f"/v2/event_instances/{uid}", {"status": "scheduled"})


async def comes_to_rest(service: WaitlistService, org_id: str, instance_id: str) -> None:
    """Wait until all that booking has told is heard, not to be heard again, and the queue of an event is looked at."""
    await service.heard_all()

    async def is_looked_at() -> bool:
        return instance_id not in await marked(service.database, org_id)

    await eventually(is_looked_at)


@pytest.mark.usefixtures("working")
async def test_however_something_falls_free_who_waits_is_offered_it(
    staff: Guest, service: WaitlistService, watch: Watch
) -> None:
    """Architecture, section 6: «moved, party shrunk, capacity raised, hold released, table added»"""
    ways = [
        *[await way(staff) for way in (another_table, moved, shrunk, a_hold_that_runs_out)],
        await called_off_and_on_again(staff, service),
    ]
    for entry_id, _ in ways:
        assert (await staff.waitlist.get(f"{PATH}/{entry_id}")).data["status"] == "waiting"
    for _, frees in ways:
        await frees()
    watch.turn(minutes=5, seconds=1)
    for entry_id, _ in ways:
        await becomes(staff, entry_id, "notified")


@pytest.mark.usefixtures("working")
async def test_an_offer_that_is_past_its_deadline_passes_to_the_next(
    staff: Guest, bistro: Bistro, watch: Watch
) -> None:
    """Architecture, section 6: «Deadline: 15 min for tables»"""
    first, second = await bistro.joins(), await bistro.joins()
    await bistro.falls_free()
    await becomes(staff, first["id"], "notified")
    watch.ahead = timedelta(minutes=14)
    await asyncio.sleep(1.5)
    assert (await staff.waitlist.get(f"{PATH}/{first['id']}")).data["status"] == "notified"
    watch.ahead = timedelta(minutes=15, seconds=1)
    await becomes(staff, second["id"], "notified")
    assert (await staff.waitlist.get(f"{PATH}/{first['id']}")).data["status"] == "waiting"


@pytest.mark.usefixtures("working")
async def test_when_an_event_is_called_off_who_waits_for_it_is_told(service: WaitlistService, staff: Guest) -> None:
    uid = (await staff.full_instance())["uid"]
    entry = await staff.joined(eventInstanceId=uid, requestedDate=None)
    assert (await staff.booking.post(f"/v2/event_instances/{uid}/cancel", {})).status == 200
    await becomes(staff, entry["id"], "removed")
    last = (await service.told(entry["id"]))[-1]
    assert isinstance(last, WaitlistEntryRemoved)
    assert (last.data.change.reason, last.actor) == ("event_cancelled", "system")


@pytest.mark.usefixtures("working")
async def test_of_fifty_places_that_fall_free_at_once_each_is_offered_once(desk: Desk, db: Database) -> None:
    """To the first fifty of five hundred."""
    bistro = await Bistro.of(desk.staff, tables=50)
    wanted: dict[str, Any] = {
        "location_id": bistro.location_id,
        "day": SOON.date(),
        "window_start": SOON,
        "window_end": SOON + timedelta(minutes=90),
    }
    waiting = [waits(desk.org_id, **wanted, party_size=2) for _ in range(500)]
    await put(db, *waiting)

    async def notified() -> list[str]:
        return sorted(one for one, status in (await statuses(db, desk.org_id)).items() if status is Status.NOTIFIED)

    async def all_are_offered() -> bool:
        return len(await notified()) == 50

    await asyncio.gather(*(bistro.falls_free() for _ in range(50)))
    await eventually(all_are_offered)
    assert await notified() == sorted(entry.id for entry in waiting)[:50]
    offers = [await desk.live(one) for one in await notified()]
    assert len({offer.table_ids for offer in offers}) == 50
    assert await held(desk) == sorted(str(offer.hold_id) for offer in offers)


async def test_joining_changing_and_leaving_mark_the_queue(
    service: WaitlistService, staff: Guest, bistro: Bistro, db: Database
) -> None:
    async def forget() -> None:
        async with db.connection() as conn:
            await conn.execute("DELETE FROM queues WHERE org_id = $1", staff.org_id)

    await service.heard_all()
    entry = await bistro.joins()
    path = f"{PATH}/{entry['id']}"
    assert await marked(db, staff.org_id) == {bistro.queue}
    await forget()
    assert (await staff.waitlist.patch(path, {"notes": "By the window"})).status == 200
    assert await marked(db, staff.org_id) == {bistro.queue}
    await forget()
    assert (await staff.waitlist.delete(path)).status == 200
    assert await marked(db, staff.org_id) == {bistro.queue}


@pytest.mark.usefixtures("working")
async def test_the_sweep_finds_whatever_was_missed_however_much_it_is(staff: Guest, db: Database) -> None:
    location_id, past = await staff.location(), datetime.now(UTC).date() - timedelta(days=2)
    some = [waits(staff.org_id, location_id=location_id, day=past) for _ in range(205)]
    await put(db, *some)  # of which nobody tells
    async with db.connection() as conn:
        await conn.execute("UPDATE sweep SET due_at = '-infinity'")

    async def are_expired() -> bool:
        async with db.connection() as conn:  # what a sweep marks is due at any time before the next sweep
            await conn.execute(
                "UPDATE queues SET due_at = now() WHERE org_id = $1 AND now() < due_at AND due_at < 'infinity'",
                staff.org_id,
            )
        return set((await statuses(db, staff.org_id)).values()) == {Status.EXPIRED}

    await eventually(are_expired)


async def test_operators_see_what_is_due(service: WaitlistService) -> None:
    async with service.http.get(f"{service.base}/metrics") as response:
        metrics = await response.text()
    for name in ("due_queues", "oldest_mark_seconds", "matches_total", "matches_in_flight", "match_seconds_count"):
        assert f"slotwire_waitlist_{name}" in metrics
