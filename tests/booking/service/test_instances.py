"""Use cases on event instances at instants that the tests set: holds that expire, and what the outbox is told."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.change import Change
from booking.domain.creation import NewBooking
from booking.domain.errors import SlotUnavailableError, ValidationFailedError
from booking.domain.instances import EventInstance, InstanceFilter, NewInstance
from booking.domain.listing import Page
from booking.domain.reference import SERVICES, Service
from booking.service.instances import EventInstances
from chassis.ids import Ids, new_id, next_id
from chassis.unit import UnitOfWork
from slotwire_contracts import HoldReleased, ReleaseReason
from support.booking_desk import ORIGIN, Desk
from support.booking_values import ADA, NOW, START

YOGA = Service(name="Yoga", service_type="event", timezone="Europe/Berlin")


@pytest.fixture
def instances(desk: Desk) -> EventInstances:
    """The use cases of the desk's organization, at the desk's instant."""
    units, ids = UnitOfWork(desk.db, lambda: None), Ids(new_id, next_id)
    return EventInstances(units, desk.db, desk.clock, ids, desk.bookings)


@pytest.fixture
async def instance(desk: Desk, instances: EventInstances) -> EventInstance:
    """An instance with 10 spots."""
    new = NewInstance(
        service_id=(await desk.data.create(desk.actor, SERVICES, YOGA, ORIGIN, None)).id,
        title=None,
        start_time=START,
        end_time=None,
        timezone=None,
        location_id=None,
        max_attendance=None,
    )
    return await instances.create(desk.actor, new, None)


async def hold(desk: Desk, instance: EventInstance, spots: int, minutes: int) -> str:
    given: dict[str, Any] = {"event_instance_id": instance.id, "party_size": spots}
    return (await desk.holds.create(desk.actor, given, minutes, None)).id


async def release(desk: Desk, hold_id: str) -> None:
    """Release a hold."""
    await desk.holds.release(desk.actor, hold_id, ORIGIN)


async def sweep(desk: Desk, _hold_id: str) -> None:
    """Sweep up every hold that has expired."""
    await desk.holds.sweep_once()


End = Callable[[Desk, str], Coroutine[Any, Any, None]]


async def attendance(desk: Desk, instances: EventInstances, instance: EventInstance) -> int:
    """The spots that are taken, as both ways of reading tell."""
    (listed,) = (await instances.page(desk.actor, InstanceFilter(), Page(10, 0))).items
    one = await instances.get(desk.actor, instance.id)
    assert one == listed
    return one.attendance


async def test_a_hold_counts_until_it_expires_though_nobody_swept_it_up(
    desk: Desk, instances: EventInstances, instance: EventInstance
) -> None:
    await hold(desk, instance, 3, minutes=5)
    await hold(desk, instance, 4, minutes=10)
    assert await attendance(desk, instances, instance) == 7
    desk.now = NOW.replace(microsecond=0) + timedelta(minutes=5)
    assert await attendance(desk, instances, instance) == 4


async def test_a_capacity_is_lowered_by_what_expired_holds_had(
    desk: Desk, instances: EventInstances, instance: EventInstance
) -> None:
    await hold(desk, instance, 3, minutes=5)
    await hold(desk, instance, 4, minutes=10)
    with pytest.raises(ValidationFailedError, match="must be at least 7"):
        await instances.change(desk.actor, instance.id, {"max_attendance": 4}, ORIGIN)
    desk.now = NOW + timedelta(minutes=6)
    lowered = await instances.change(desk.actor, instance.id, {"max_attendance": 4}, ORIGIN)
    assert (lowered.attendance, lowered.remaining) == (4, 0)
    assert await attendance(desk, instances, instance) == 4


async def test_a_hold_of_an_instance_that_moved_becomes_a_registration_at_its_new_time(
    desk: Desk, instances: EventInstances, instance: EventInstance
) -> None:
    hold_id = await hold(desk, instance, 2, minutes=10)
    later = {"start_time": START + timedelta(days=1), "end_time": START + timedelta(days=1, hours=1)}
    await instances.change(desk.actor, instance.id, later, ORIGIN)
    booking = await desk.bookings.create(desk.actor, NewBooking(visit={}, hold_id=hold_id, attendee=ADA), ORIGIN, None)
    assert (booking.start_time, booking.end_time) == (later["start_time"], later["end_time"])
    assert await attendance(desk, instances, instance) == 2


async def test_an_instances_events_leave_in_order_and_are_dated_by_the_clock(
    desk: Desk, instances: EventInstances, instance: EventInstance
) -> None:
    await instances.change(desk.actor, instance.id, {"title": "Yin"}, ORIGIN)
    desk.now = NOW - timedelta(hours=1)
    await instances.change(desk.actor, instance.id, {"title": "Yang"}, ORIGIN)
    desk.now = NOW + timedelta(hours=1)
    cancelled = await instances.cancel(desk.actor, instance.id, None, ORIGIN, None)
    events = await desk.told(instance.id)
    assert [(event.type, event.sequence, event.time) for event in events] == [
        ("event_instance.updated", 1, NOW),
        ("event_instance.updated", 2, NOW),
        ("event_instance.cancelled", 3, NOW + timedelta(hours=1)),
    ]
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert events[-1].id == cancelled.instance.last_event_id
    assert {(event.actor, event.correlationid) for event in events} == {("staff", "req_1")}


async def test_of_a_cancelled_instance_a_party_that_sits_may_become_smaller_and_not_larger(
    desk: Desk, instances: EventInstances, instance: EventInstance
) -> None:
    new = NewBooking(visit={"event_instance_id": instance.id, "party_size": 3}, attendee=ADA, seated=True)
    booking = await desk.bookings.create(desk.actor, new, ORIGIN, None)
    await instances.cancel(desk.actor, instance.id, None, ORIGIN, None)
    with pytest.raises(SlotUnavailableError, match="cancelled"):
        await desk.bookings.change(desk.actor, booking.id, Change(details={"party_size": 4}), ORIGIN)
    await desk.bookings.change(desk.actor, booking.id, Change(details={"party_size": 2}), ORIGIN)
    assert await attendance(desk, instances, instance) == 2


@pytest.mark.parametrize("end", [release, sweep])
async def test_a_hold_ends_though_its_instance_moves_meanwhile(
    desk: Desk, instances: EventInstances, instance: EventInstance, end: End
) -> None:
    """Each wants what the other has locked, the hold or the instance: the database ends the one that waited first."""
    hold_id = await hold(desk, instance, 3, minutes=5)
    desk.now = NOW + timedelta(minutes=6)
    async with desk.db.transaction() as conn:
        await conn.execute("SELECT FROM event_instances WHERE id = $1 FOR UPDATE", instance.id)
        ending = asyncio.create_task(end(desk, hold_id))
        while await conn.fetchval("SELECT count(*) = 0 FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        await conn.execute("UPDATE holds SET start_time = start_time WHERE id = $1", hold_id)
    await ending
    assert await attendance(desk, instances, instance) == 0
    assert [event.type for event in await desk.told(hold_id)] == ["hold.released"]


@pytest.mark.parametrize("ending", ["cancel", "delete"])
async def test_holds_that_end_with_their_instance_are_told_of_once(
    desk: Desk, instances: EventInstances, instance: EventInstance, ending: str
) -> None:
    expired = await hold(desk, instance, 3, minutes=5)
    live = [await hold(desk, instance, spots, minutes=10) for spots in (1, 2)]
    desk.now = NOW + timedelta(minutes=6)
    if ending == "cancel":
        cancelled = await instances.cancel(desk.actor, instance.id, None, ORIGIN, None)
        assert cancelled.instance.attendance == 0
    else:
        await instances.delete(desk.actor, instance.id, ORIGIN)
    events = await desk.told(*live)
    assert sorted((event.subject, event.type, event.sequence) for event in events) == [
        (one, "hold.released", 1) for one in sorted(live)
    ]
    for event in events:
        assert isinstance(event, HoldReleased)
        assert (event.data.change.reason, event.actor) == (ReleaseReason.CANCELLED, "staff")
        assert (event.correlationid, event.orgid, event.time) == ("req_1", desk.actor.org_id, desk.now)
        assert event.data.resource.event_instance_id == instance.id
    while await desk.holds.sweep_once():
        pass
    assert len(await desk.told(*live)) == len(live)
    (swept,) = await desk.told(expired)
    assert isinstance(swept, HoldReleased)
    assert swept.data.change.reason is ReleaseReason.EXPIRED
    async with desk.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM spots WHERE instance_id = $1", instance.id) == 0
