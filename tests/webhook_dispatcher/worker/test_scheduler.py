"""I12: a dead or slow endpoint never delays another's first attempt. What does not fit waits and is claimed fairly."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from statistics import median

import pytest
from aiohttp import web

from support.dispatcher import LIMITS, Dispatcher, a_happening, put_deliveries, running
from support.endpoints import Endpoint, endpoint, hanging, status
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DeliveryState, Job

SMALL = replace(LIMITS, slots=16, endpoint_slots=8, retry_slots=4, endpoint_queue=10, queue=100)


async def latencies(one: Dispatcher, healthy: Endpoint, events: int) -> list[float]:
    """Publish events one after the other, and tell how long each took to the healthy endpoint."""
    clock = asyncio.get_running_loop().time
    before = len(healthy.requests)
    took = []
    for _ in range(events):
        began = clock()
        healthy.came.clear()
        await one.publish(a_happening())
        await asyncio.wait_for(healthy.came.wait(), 5)
        took.append(clock() - began)
    assert len(healthy.requests) - before == events
    return took


async def test_a_hanging_endpoint_never_delays_another_endpoints_first_attempt(prepared: str) -> None:
    """«A dead or slow endpoint never delays another endpoint's first attempt», measured"""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(prepared, SMALL))
        healthy = await stack.enter_async_context(endpoint())
        await one.subscribe(healthy.url)
        alone = await latencies(one, healthy, 40)
        for _ in range(5):
            dead = await stack.enter_async_context(endpoint(hanging))
            await one.subscribe(dead.url, retry=[0.05] * 20)
        await latencies(one, healthy, 20)  # the dead ones now hold all the slots that they get
        beside = await latencies(one, healthy, 40)
    assert median(beside) < median(alone) * 5 + 0.02, (median(alone), median(beside))
    assert max(beside) < 1.0 < SMALL.timeout


async def test_first_attempts_never_wait_behind_retries(prepared: str) -> None:
    """Retries that hang fill their own slots; new events of the very same endpoint are sent at once."""
    slow: set[str] = set()

    async def hang_on_retries(receiver: Endpoint) -> web.Response:
        webhook_id = receiver.requests[-1].headers["webhook-id"]
        if webhook_id in slow:
            return await hanging(receiver)
        if len(slow) == 30:
            return web.Response(status=204)
        slow.add(webhook_id)
        return web.Response(status=500)

    async with running(prepared, SMALL) as one, endpoint(hang_on_retries) as receiver:
        await one.subscribe(receiver.url, retry=[0.01] * 5)
        await one.publish(*[a_happening() for _ in range(30)])

        async def retries_hang() -> bool:
            seen = Counter(request.headers["webhook-id"] for request in receiver.requests)
            return len(seen) == 30 and any(count > 1 for count in seen.values())

        await eventually(retries_hang, within=10)
        assert max(await latencies(one, receiver, 10)) < 0.5


async def test_what_does_not_fit_into_memory_is_claimed_and_every_endpoint_gets_its_share(prepared: str) -> None:
    async with running(prepared, SMALL) as one, endpoint() as first, endpoint() as second:
        subscriptions = [await one.subscribe(receiver.url) for receiver in (first, second)]
        events = [a_happening() for _ in range(300)]
        await one.publish(*events)
        await one.publish(*[a_happening() for _ in range(50)])

        async def all_came() -> bool:
            return [len(receiver.requests) for receiver in (first, second)] == [350, 350]

        await eventually(all_came, within=20)
        for subscription in subscriptions:
            for event in events[::50]:
                assert (await one.settled(event, subscription)).attempts == 1
    for receiver in (first, second):
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 350


async def test_an_endpoint_has_at_most_its_slots_under_way(prepared: str) -> None:
    async with running(prepared, SMALL) as one, endpoint(hanging) as receiver:
        await one.subscribe(receiver.url)
        await one.publish(*[a_happening() for _ in range(50)])
        await asyncio.sleep(0.5)
        assert 1 <= len(receiver.requests) <= SMALL.endpoint_slots


async def test_a_retry_comes_when_it_is_due(dispatcher: Dispatcher) -> None:
    async with endpoint(status(500, 500, 204)) as receiver:
        one = await dispatcher.subscribe(receiver.url, retry=[0.2, 0.4])
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
    first, second, third = (request.at for request in receiver.requests)
    assert 0.16 <= second - first < 0.5
    assert 0.32 <= third - second < 0.8


async def test_retry_after_holds_a_retry_back(dispatcher: Dispatcher) -> None:
    """Webhook rules: «`Retry-After` (seconds or date) | obeyed in full, up to 24 h»

    Standard Webhooks: «some responses may also include a `Retry-After` header (e.g. `503 Service Unavailable`), which
    should be taken into consideration when scheduling the next attempt»
    """
    answers = [status(503, Retry_After="1"), status(204)]
    async with endpoint(lambda receiver: answers[len(receiver.requests) - 1](receiver)) as receiver:
        one = await dispatcher.subscribe(receiver.url, retry=[0.01])
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).attempts == 2
    assert 1.0 <= receiver.requests[1].at - receiver.requests[0].at < 1.8


async def test_the_same_event_again_makes_no_second_delivery(dispatcher: Dispatcher) -> None:
    async with endpoint() as receiver:
        one = await dispatcher.subscribe(receiver.url)
        event = a_happening()
        await dispatcher.publish(event, event)
        await dispatcher.publish(event)
        await dispatcher.settled(event, one)
        async with dispatcher.database.connection() as conn:
            await conn.execute("DELETE FROM events")  # as if its day had been dropped
        await dispatcher.publish(event)
        await asyncio.sleep(0.2)
    assert len(receiver.requests) == 1


async def test_memory_holds_no_more_than_its_bound_however_many_deliveries_a_batch_has(prepared: str) -> None:
    limits = replace(LIMITS, slots=1, retry_slots=1, queue=1_000, margin=10.0)
    async with running(prepared, limits) as one, endpoint(hanging) as receiver:
        for _ in range(50):
            await one.subscribe(receiver.url, retry=[3_600])
        lane = one.worker._scheduler._lanes[False]
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, lane.queued + lane.in_flight)
                await asyncio.sleep(0)

        async with asyncio.timeout(60):
            watching = asyncio.create_task(watch())
            await one.publish(*[a_happening() for _ in range(500)])
            await asyncio.sleep(1.5)  # claims fill up what is left
            watching.cancel()
        async with one.database.connection() as conn:
            held = await conn.fetchval("SELECT count(*) FROM deliveries WHERE leased_by IS NOT NULL")
    assert 500 < most <= 1_000 + 1
    assert held <= 1_000 + 1


@pytest.mark.parametrize("bound", [{"queue": 100}, {"bodies": 100 * 100_000}], ids=["jobs", "bytes"])
async def test_what_no_longer_fits_when_it_is_offered_waits_in_the_database(
    prepared: str, bound: dict[str, int]
) -> None:
    """Births and claims that fill the same room at the same time."""
    limits = replace(LIMITS, slots=1, retry_slots=1, **bound)
    async with running(prepared, limits) as one, endpoint(hanging) as receiver:
        first, second = [await one.subscribe(receiver.url, retry=[3_600]) for _ in range(2)]
        grant = one.worker.grant()
        assert grant is not None
        tail = b'"text":"%s"}' % bytes(100_000).replace(b"\0", b"x")
        for subscription in (first, second):
            ids = await put_deliveries(one.database, subscription.id, 80, lease=grant.lease)
            one.worker.offer(grant, [Job(each, subscription.id, grant.lease, 0, tail) for each in ids])
            assert one.worker._scheduler._lanes[False].queued <= 100

        async def are_put_back() -> bool:
            async with one.database.connection() as conn:
                held = "SELECT count(*) FROM deliveries WHERE leased_by IS NOT NULL"
                return 0 < int(await conn.fetchval(held)) <= 101

        await eventually(are_put_back)
