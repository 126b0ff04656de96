"""What webhook senders are known to get wrong, done to this one on purpose."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from chassis.clock import utc_now
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from devstack.ports import HOST, free_port
from support.dispatcher import LIMITS, Dispatcher, a_happening, put_deliveries, running
from support.dispatcher import dispatcher as unstarted
from support.endpoints import Endpoint, endpoint, status
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.worker import AttemptPublisher

_HAVE_FAILED_ONCE = "UPDATE deliveries SET attempts = 1, retrying = true"
_WRITES_FAIL_THRICE = """
CREATE SEQUENCE failures;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('failures') <= 3 THEN
        RAISE 'the database is going away' USING ERRCODE = 'admin_shutdown';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION fail();
"""


async def all_delivered(one: Dispatcher, attempts: int) -> bool:
    async with one.database.connection() as conn:
        rows = await conn.fetch("SELECT DISTINCT state, attempts FROM deliveries")
    return [tuple(row) for row in rows] == [("delivered", attempts)]


@pytest.mark.parametrize("attempts", [0, 1], ids=["before the first attempt", "in a retry"])
async def test_what_a_dead_worker_held_is_sent(prepared: str, db: Database, attempts: int) -> None:
    """Known faults: «A crash between the commit and the send loses nothing.»

    Known faults: «A worker that dies in the middle of a retry leaves nothing stranded.»
    """
    async with endpoint() as receiver:
        subscription = await unstarted(db).subscribe(receiver.url)
        ids = await put_deliveries(db, subscription.id, 5, lease="wrk_that_died")
        if attempts:
            async with db.connection() as conn:
                await conn.execute(_HAVE_FAILED_ONCE)
        async with running(prepared) as heir:
            await eventually(lambda: all_delivered(heir, attempts + 1), within=10)
    assert sorted(request.headers["webhook-id"] for request in receiver.requests) == sorted(ids)


@pytest.mark.parametrize("attempts", [0, 1], ids=["first attempts", "retries"])
async def test_what_was_due_long_ago_is_sent(dispatcher: Dispatcher, attempts: int) -> None:
    """Known faults: «No delivery is left with its next attempt in the past.»"""
    async with endpoint() as receiver:
        subscription = await dispatcher.subscribe(receiver.url)
        due = utc_now() + timedelta(hours=1)
        await put_deliveries(dispatcher.database, subscription.id, 5, due=due)
        async with dispatcher.database.transaction() as conn:
            if attempts:
                await conn.execute(_HAVE_FAILED_ONCE)
            await conn.execute("UPDATE deliveries SET due_at = now() - interval '3 days'")
        await eventually(lambda: all_delivered(dispatcher, attempts + 1), within=10)
    assert len(receiver.requests) == 5


async def test_what_a_silent_worker_holds_is_its_own_for_longer_than_an_attempt_takes(prepared: str) -> None:
    """Known faults: «A lease lasts longer than the longest attempt.»"""
    limits = replace(LIMITS, timeout=2.0, margin=1.0)
    ago = timedelta(seconds=2.0)
    async with endpoint() as receiver, running(prepared, limits) as other:
        subscription = await other.subscribe(receiver.url)
        began = time.perf_counter()
        async with other.database.connection() as conn:
            await conn.execute("INSERT INTO workers VALUES ('wrk_silent', clock_timestamp() - $1::interval)", ago)
        await put_deliveries(other.database, subscription.id, 1, lease="wrk_silent")
        await eventually(lambda: all_delivered(other, 1), within=10)
    (request,) = receiver.requests
    assert request.at - began > limits.timeout + limits.margin - ago.total_seconds()


async def test_a_retry_that_cannot_be_written_is_written_later(dispatcher: Dispatcher) -> None:
    """Known faults: «A retry that could not be written is not forgotten.»"""
    async with dispatcher.database.connection() as conn:
        await conn.execute(_WRITES_FAIL_THRICE)
    async with endpoint(status(400, 204)) as receiver:
        subscription = await dispatcher.subscribe(receiver.url)
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, subscription)).state is DeliveryState.DELIVERED
        assert [one.status for one in await dispatcher.attempts(event, subscription)] == [400, 204]
    async with dispatcher.database.connection() as conn:
        assert await conn.fetchval("SELECT last_value FROM failures") == 3 + 2
    assert len(receiver.requests) == 2


async def test_an_attempt_is_written_with_what_follows_from_it(dispatcher: Dispatcher) -> None:
    """Known faults: «Every attempt is recorded in the transaction that moves its delivery on, so none is repeated for
    ever.»
    """
    async with endpoint(status(400)) as receiver:
        waiting, ended = [await dispatcher.subscribe(receiver.url, retry=retry) for retry in ([3_600], [])]
        event = a_happening()
        await dispatcher.publish(event)
        for subscription in (waiting, ended):
            await dispatcher.tried(event, subscription)
    async with dispatcher.database.connection() as conn:
        rows = await conn.fetch(
            """
            SELECT deliveries.id, state, attempts, deliveries.xmin = attempts.xmin AS together
            FROM deliveries JOIN attempts ON delivery_id = deliveries.id
            """
        )
    assert {tuple(row) for row in rows} == {
        (delivery_id(event.id, waiting.id), "pending", 1, True),
        (delivery_id(event.id, ended.id), "exhausted", 1, True),
    }


async def test_a_retry_needs_no_record_of_earlier_attempts(dispatcher: Dispatcher) -> None:
    """Known faults: «A failed delivery is tried again even if nothing is left of its earlier attempts.»"""
    async with endpoint(status(500, 204)) as receiver:
        subscription = await dispatcher.subscribe(receiver.url, retry=[0.5])
        event = a_happening()
        await dispatcher.publish(event)
        await dispatcher.tried(event, subscription)
        async with dispatcher.database.connection() as conn:
            assert await conn.execute("DELETE FROM attempts") == "DELETE 1"
        assert (await dispatcher.settled(event, subscription)).attempts == 2
    first, second = receiver.requests
    assert first.body == second.body


async def test_a_delivery_needs_no_broker_to_publish_its_attempts(prepared: str) -> None:
    """Known faults: «A delivery that was made is not made again because its attempt could not be published.»"""
    publisher = AttemptPublisher(f"{HOST}:{free_port()}")
    async with (
        background(Loop("attempts", publisher.run), drain_seconds=0.1),
        running(prepared, settled=publisher.take) as one,
        endpoint(status(*[500] * 20, 204)) as receiver,
    ):
        subscription = await one.subscribe(receiver.url)
        events = [a_happening() for _ in range(20)]
        await one.publish(*events)
        for event in events:
            assert (await one.settled(event, subscription)).state is DeliveryState.DELIVERED
        made = len(receiver.requests)
        await asyncio.sleep(0.5)
    assert made == len(receiver.requests) == 40


async def test_the_limit_of_attempts_under_way_is_one(prepared: str) -> None:
    """Known faults: «A worker never has more attempts under way than its limit.»"""
    limits = replace(LIMITS, slots=8, retry_slots=2, endpoint_slots=12)
    under_way = most = 0

    async def slow(receiver: Endpoint) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return web.Response(status=204 if len(receiver.requests) % 2 else 400)

    async with running(prepared, limits) as one, endpoint(slow) as first, endpoint(slow) as second:
        for receiver in (first, second):
            await one.subscribe(receiver.url, retry=[0.01] * 20)
        for _ in range(2):
            await one.publish(*[a_happening() for _ in range(20)])

        async def all_came() -> bool:
            async with one.database.connection() as conn:
                return bool(await conn.fetchval("SELECT bool_and(state = 'delivered') FROM deliveries"))

        await eventually(all_came, within=20)
    assert 8 <= most <= 8 + 2
