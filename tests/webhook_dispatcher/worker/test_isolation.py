"""What bad endpoints cost: themselves, and nobody else. Real endpoints, a real worker, a real database."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from statistics import median

import pytest
from aiohttp import web

from chassis.clock import utc_now
from chassis.outbound import Guard
from chassis.outbound.names import Names
from devstack.ports import HOST
from support.dispatcher import LIMITS, LOOPBACK, Dispatcher, a_happening, put_deliveries, running
from support.endpoints import Endpoint, endpoint, hanging, raw_endpoint, status
from support.nameserver import nameserver
from support.serving import serving
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DeliveryState, Job
from webhook_dispatcher.domain.rate_limit import RateLimit
from webhook_dispatcher.domain.subscription import Subscription

NEVER = (3_600.0,)


@dataclass
class Many:
    """A server with an endpoint a path, each of which takes everything; when each event came to which."""

    url: str = ""
    came: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))

    async def take(self, request: web.Request) -> web.Response:
        event_id = json.loads(await request.read())["eventId"]
        self.came[event_id][request.path] = asyncio.get_running_loop().time()
        return web.Response(status=204)


@asynccontextmanager
async def many_endpoints() -> AsyncIterator[Many]:
    many = Many()
    async with serving("/{name}", many.take) as many.url:
        yield many


async def swallow(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything and say nothing."""
    while await reader.read(65_536):
        pass


async def waits(one: Dispatcher, many: Many, endpoints: int, events: int) -> list[float]:
    """Publish events at an even pace; tell how long each took to each of the healthy endpoints."""
    clock = asyncio.get_running_loop().time
    published = {}
    for _ in range(events):
        event = a_happening()
        published[event.id] = clock()
        await one.publish(event)
        await asyncio.sleep(0.25)

    async def all_came() -> bool:
        return all(len(many.came[event_id]) == endpoints for event_id in published)

    await eventually(all_came, within=60)
    return [at - published[event_id] for event_id in published for at in many.came[event_id].values()]


async def opened(one: Dispatcher, subscription: Subscription) -> None:
    """Publish events that fail until the breaker opens."""
    async with asyncio.timeout(10):
        while not one.worker._gates.of(subscription.id).is_open:
            await one.publish(a_happening())
            await asyncio.sleep(0.1)


async def leased(one: Dispatcher, subscription: Subscription) -> int:
    async with one.database.connection() as conn:
        return int(
            await conn.fetchval(
                "SELECT count(*) FROM deliveries WHERE subscription_id = $1 AND leased_by IS NOT NULL", subscription.id
            )
        )


async def few_are_leased(one: Dispatcher, subscription: Subscription) -> bool:
    """Tell whether no more are held than may wait behind an open breaker, with those under way."""
    return await leased(one, subscription) <= 12


async def test_20_black_holes_beside_180_healthy_endpoints_never_use_the_slots_up(prepared: str) -> None:
    """From a cold start, with fewer slots than the black holes could have by themselves.

    Known faults: «A slow endpoint never blocks the others.»
    """
    limits = replace(LIMITS, timeout=20.0, slots=64, retry_slots=16, drain=0.5)
    async with many_endpoints() as many, raw_endpoint(swallow) as hole, running(prepared, limits) as one:
        for number in range(180):
            await one.subscribe(f"{many.url}/{number}")
        alone = await waits(one, many, 180, 10)
        for _ in range(20):
            await one.subscribe(hole, retry=NEVER)
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, len(one.worker._scheduler._under_way))
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        beside = await waits(one, many, 180, 30)
        hanging_now = len(one.worker._scheduler._under_way)
        watching.cancel()
    assert hanging_now >= 20
    assert hanging_now <= 64 * 3 // 4
    assert max(beside) < limits.timeout / 4, (max(alone), max(beside))  # who waits for a slot waits for a timeout
    assert median(beside) < median(alone) * 3 + 0.1


async def test_names_that_hang_cost_others_nothing(prepared: str) -> None:
    """«a DNS failure or a black hole costs others nothing»"""
    limits = replace(LIMITS, slots=64, drain=0.5)
    async with nameserver() as server, many_endpoints() as many:
        guard = Guard(LOOPBACK, Names(servers=[server.address]))
        async with running(prepared, limits, guard) as one:
            for number in range(20):
                await one.subscribe(f"{many.url.replace(HOST, f'well{number}.example')}/{number}")
            for number in range(40):
                await one.subscribe(f"http://hang{number}.example/hook", retry=NEVER)
            assert max(await waits(one, many, 20, 15)) < 5.0
        await guard.close()


async def test_behind_an_open_breaker_nothing_is_lost_or_tried_in_vain_and_memory_is_free(prepared: str) -> None:
    """First attempts wait unattempted; one success, and all go out, each once."""
    well = False

    async def answer(_: Endpoint) -> web.Response:
        return web.Response(status=204 if well else 500)

    async with running(prepared) as one, endpoint(answer) as receiver:
        subscription = await one.subscribe(receiver.url, retry=NEVER)
        await opened(one, subscription)
        failed = len(receiver.requests)
        assert failed <= 30
        events = [a_happening() for _ in range(1_500)]
        for start in range(0, 1_500, 500):
            await one.publish(*events[start : start + 500])
        await eventually(partial(few_are_leased, one, subscription))
        await asyncio.sleep(1.5)
        assert len(receiver.requests) - failed <= 2  # a probe after about a second, the next two seconds later
        assert one.worker._scheduler._lanes[False].queued <= 10
        await eventually(partial(few_are_leased, one, subscription))
        well = True
        assert (await one.settled(events[-1], subscription, within=20)).state is DeliveryState.DELIVERED

        async def all_came() -> bool:
            return len({request.headers["webhook-id"] for request in receiver.requests}) >= failed + 1_500

        await eventually(all_came, within=10)
        assert not one.worker._gates.of(subscription.id).is_open
        for event in events[50::100]:  # the first of them were probes that failed
            assert (await one.settled(event, subscription)).attempts == 1
        assert len(receiver.requests) == len({request.headers["webhook-id"] for request in receiver.requests})


async def test_births_and_claims_that_come_together_leave_no_more_than_a_few_behind_an_open_breaker(
    prepared: str,
) -> None:
    """Each of them looks at the room before the other has taken it."""
    async with running(prepared) as one, endpoint(status(500)) as receiver:
        subscription = await one.subscribe(receiver.url, retry=NEVER)
        await opened(one, subscription)
        first = one.worker._scheduler._lanes[False]
        for _ in range(2):
            grant = one.worker.grant()
            assert grant is not None
            ids = await put_deliveries(one.database, subscription.id, 10, lease=grant.lease)
            one.worker.offer(grant, [Job(each, subscription.id, grant.lease, 0, b'"text":"x"}') for each in ids])
            assert 9 <= first.queued <= 10  # one may be under way
        await eventually(partial(few_are_leased, one, subscription))


async def test_what_was_in_memory_when_the_breaker_opened_waits_in_the_database(prepared: str) -> None:
    limits = replace(LIMITS, timeout=4.0)  # then the breaker opens
    async with running(prepared, limits) as one, endpoint(hanging) as receiver:
        subscription = await one.subscribe(receiver.url, retry=NEVER)
        events = [a_happening() for _ in range(1_200)]
        for start in range(0, 1_200, 400):
            await one.publish(*events[start : start + 400])

        async def is_full() -> bool:
            return await leased(one, subscription) > 1_000

        await eventually(is_full, within=limits.timeout)  # what is not leased at once, as its leave lapsed, is claimed
        await eventually(partial(few_are_leased, one, subscription), within=limits.timeout + 8)
        async with one.database.connection() as conn:
            rows = await conn.fetch("SELECT retrying, attempts, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1, 2")
        (_, _, untried), (_, attempts, tried) = [tuple(row) for row in rows]
        assert (rows[0]["retrying"], rows[0]["attempts"]) == (False, 0)
        assert (rows[1]["retrying"], attempts, untried + tried) == (True, 1, 1_200)
        assert tried <= 30


async def test_what_was_recovered_untried_goes_back_to_the_lane_of_retries_when_the_breaker_opens(
    prepared: str,
) -> None:
    """Else it would come back in the lane of first attempts, past the bound of the other."""
    async with running(prepared) as one, endpoint(hanging) as receiver:
        subscription = await one.subscribe(receiver.url, retry=NEVER)
        retries, first = (one.worker._scheduler._lanes[retrying] for retrying in (True, False))
        ids = await put_deliveries(one.database, subscription.id, 1_200, due=utc_now() + timedelta(hours=1))
        async with one.database.connection() as conn:
            await conn.execute(
                "UPDATE deliveries SET round = 1, retrying = true, due_at = now() WHERE id = ANY ($1)", ids
            )
        one.worker.reopened()
        await opened(one, subscription)
        most = 0
        for _ in range(20):
            await asyncio.sleep(0.1)
            most = max(most, retries.queued)
        assert await leased(one, subscription) <= 10 + 10 + 12  # a few of each lane, and those under way
        assert most <= 10
        assert first.queued <= 10
        async with one.database.connection() as conn:
            lanes = await conn.fetch("SELECT retrying, count(*) FROM deliveries WHERE id = ANY ($1) GROUP BY 1", ids)
        assert [tuple(lane) for lane in lanes] == [(True, 1_200)]


async def test_a_subscription_that_leads_elsewhere_starts_afresh(
    prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook_dispatcher.domain.breaker._FIRST_PAUSE", 60.0)  # no probe is sent to it meanwhile
    async with running(prepared) as one, endpoint(status(500)) as old, endpoint() as new:
        subscription = await one.subscribe(old.url, retry=NEVER)
        await opened(one, subscription)
        events = [a_happening() for _ in range(5)]
        await one.publish(*events)
        async with one.database.transaction() as conn:
            await one.store.update(conn, subscription, replace(subscription, url=new.url))
        for event in events:
            await one.settled(event, subscription)
    assert len(new.requests) >= 5


@pytest.mark.parametrize("code", [429, 502, 504])
async def test_429_502_and_504_slow_the_endpoint(dispatcher: Dispatcher, code: int) -> None:
    """And no other.

    Webhook rules: «429, 502, 504 | retried, and the endpoint is slowed»
    Standard Webhooks: «`429 Too Many Requests`: This indicates a rate-limit has been met, and it's recommended to
    throttle additional requests.»
    Standard Webhooks: «`502 Bad Gateway` and `504 Gateway Timeout`: Both errors usually indicate that the server is
    under load, and it's recommended to throttle the requests.»
    """
    async with endpoint(status(code)) as busy, endpoint() as healthy:
        await dispatcher.subscribe(busy.url, retry=NEVER)
        await dispatcher.subscribe(healthy.url)
        await dispatcher.publish(*[a_happening() for _ in range(300)])

        async def all_came() -> bool:
            return len(healthy.requests) == 300

        await eventually(all_came)
        # Half as many at once each time; then a probe behind each pause, which doubles from 1 s: six take 63 s.
        assert len(busy.requests) <= 12 + 6 + 3 + 6


async def test_a_rate_limit_holds_for_both_lanes_together_and_for_nobody_else(dispatcher: Dispatcher) -> None:
    first: set[str] = set()

    async def fail_once(receiver: Endpoint) -> web.Response:
        webhook_id = receiver.requests[-1].headers["webhook-id"]
        if webhook_id in first:
            return web.Response(status=204)
        first.add(webhook_id)
        return web.Response(status=400)

    async with endpoint(fail_once) as limited, endpoint() as healthy:
        one = await dispatcher.subscribe(limited.url, retry=[0.01] * 3, rate_limit=RateLimit(30.0))
        await dispatcher.subscribe(healthy.url)
        events = [a_happening() for _ in range(45)]
        await dispatcher.publish(*events)

        async def all_came() -> bool:
            return len(healthy.requests) == 45

        await eventually(all_came)
        assert len(limited.requests) < 40, "who is limited as well has no more by then than the limited one"
        for event in events:
            assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
    times = [request.at for request in limited.requests]
    assert len(times) == 90
    assert 2.6 <= times[-1] - times[0] < 4.5
    assert all(last - begin > 0.8 for begin, last in zip(times, times[30:], strict=False))
    # Neither lane waits for the other to be empty: after half of the time a third or more of each is done.
    seen = [request.headers["webhook-id"] for request in limited.requests[:45]]
    assert len(seen) - len(set(seen)) >= 10
    assert len(set(seen)) >= 15


async def test_a_changed_rate_limit_holds_at_once(dispatcher: Dispatcher) -> None:
    async with endpoint() as receiver:
        one = await dispatcher.subscribe(receiver.url, rate_limit=RateLimit(0.02))
        events = [a_happening() for _ in range(40)]
        await dispatcher.publish(*events)
        await asyncio.sleep(0.5)
        assert len(receiver.requests) == 1
        async with dispatcher.database.transaction() as conn:
            await dispatcher.store.update(conn, one, replace(one, rate_limit=None))
        for event in events:
            assert (await dispatcher.settled(event, one)).attempts == 1
