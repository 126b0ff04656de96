"""What it does to those who wait that a policy is set, whatever happens while it is being set."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.gate import Gate, running_gate
from support.moments import held
from support.waiting import eventually
from support.waitlist_desk import Bistro, Desk
from support.waitlist_service import WaitlistService
from waitlist.client.booking import BookingClient
from waitlist.domain.errors import UnavailableError
from waitlist.service.policies import Policies

CLASSES = "/v2/event_instances"
SHORT, LONG = {"offer_minutes": 20}, {"offer_minutes": 40}


@pytest.fixture
async def gate(service: WaitlistService) -> AsyncIterator[Gate]:
    """A gate before booking."""
    async with running_gate(lambda: service.booking.base) as opened:
        yield opened


@pytest.fixture
async def policies(service: WaitlistService, desk: Desk, gate: Gate) -> AsyncIterator[Policies]:
    """The use cases, which ask booking through the gate."""
    booking = BookingClient(gate.url, service.settings.booking_key, seconds=5)
    async with booking.opened():
        yield Policies(desk.database, booking, desk.watch)


async def declined(desk: Desk, queue: str, entry_id: str) -> None:
    """Have the only one who waits decline for good what is free. That it fell free has been heard."""
    await desk.match(queue)
    await desk.decline(entry_id)
    assert not await is_offered(desk, queue, entry_id)


async def is_offered(desk: Desk, queue: str, entry_id: str) -> bool:
    """Match a queue, and tell whether an entry is offered something."""
    await desk.match(queue)
    return await desk.status(entry_id) == "notified"


async def a_class(service: WaitlistService, desk: Desk) -> tuple[str, str, str]:
    """A class with a free spot that the only one who waits has declined; answers it, its service and the entry."""
    instance = await desk.staff.full_instance()
    queue = instance["uid"]
    entry = (await desk.staff.joined(eventInstanceId=queue, requestedDate=None))["id"]
    assert (await desk.staff.booking.patch(f"{CLASSES}/{queue}", {"max_attendance": 2})).status == 200
    await service.heard_all()
    await declined(desk, queue, entry)
    return queue, instance["service_id"], entry


async def test_who_declined_a_table_is_offered_it_again_when_the_policy_changes(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    entry, queue = (await bistro.joins())["id"], bistro.queue
    await bistro.falls_free()
    await service.heard_all()
    await declined(desk, queue, entry)
    await desk.use.policies.put(desk.actor, bistro.location_id, {})
    assert not await is_offered(desk, queue, entry), "it is as it was by default"
    await desk.use.policies.put(desk.actor, bistro.location_id, SHORT)
    assert await is_offered(desk, queue, entry)
    await desk.decline(entry)
    await desk.use.policies.put(desk.actor, bistro.location_id, SHORT)
    assert not await is_offered(desk, queue, entry)
    await desk.use.policies.put(desk.actor, bistro.location_id, {})
    assert await is_offered(desk, queue, entry)


async def test_who_declined_a_spot_is_offered_it_again_when_the_policy_of_that_service_changes(
    service: WaitlistService, desk: Desk, policies: Policies, gate: Gate
) -> None:
    queue, service_id, entry = await a_class(service, desk)
    other, _, bystander = await a_class(service, desk)
    asked = gate.stop(desk.org_id, "GET", f"{CLASSES}/", answered=False)  # for one by itself
    await policies.put(desk.actor, service_id, SHORT)
    assert asked in gate.stops, "booking tells what the service has, and not each class of any service"
    assert await is_offered(desk, queue, entry)
    assert not await is_offered(desk, other, bystander)


async def test_who_declines_while_the_policy_is_being_set_is_offered_it_again(
    service: WaitlistService, desk: Desk, bistro: Bistro
) -> None:
    entry, queue = (await bistro.joins())["id"], bistro.queue
    await bistro.falls_free()
    await service.heard_all()
    async with held(desk.database, "LOCK TABLE policies IN SHARE MODE") as hold:
        putting = asyncio.create_task(desk.use.policies.put(desk.actor, bistro.location_id, SHORT))
        await eventually(hold.is_waited_for)
        await declined(desk, queue, entry)
    await putting
    assert await is_offered(desk, queue, entry)


async def test_a_policy_that_was_not_known_to_be_set_is_acted_upon_when_it_is_set_again(
    service: WaitlistService, desk: Desk, policies: Policies, gate: Gate
) -> None:
    queue, service_id, entry = await a_class(service, desk)
    stops = [gate.stop(desk.org_id, "GET", f"{CLASSES}?", answered=False) for _ in range(2)]
    putting = asyncio.create_task(policies.put(desk.actor, service_id, LONG))
    for lost in stops:  # a question that is lost with its connection is asked once more
        await lost.met()
        lost.let_go(cut=True)
    with pytest.raises(UnavailableError):
        await putting
    assert not await is_offered(desk, queue, entry)
    await policies.put(desk.actor, service_id, LONG)
    assert await is_offered(desk, queue, entry)


async def test_of_two_who_set_it_at_once_each_sees_to_its_own_change(
    service: WaitlistService, desk: Desk, policies: Policies, gate: Gate
) -> None:
    queue, service_id, entry = await a_class(service, desk)
    lost = gate.stop(desk.org_id, "GET", f"{CLASSES}?", answered=False)
    first = asyncio.create_task(policies.put(desk.actor, service_id, LONG))
    await lost.met()
    await policies.put(desk.actor, service_id, SHORT)
    assert await is_offered(desk, queue, entry)
    await desk.decline(entry)
    lost.let_go()
    await first
    assert await is_offered(desk, queue, entry)
