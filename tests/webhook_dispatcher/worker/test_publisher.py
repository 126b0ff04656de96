"""Settled attempts on their way to the topic."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.ids import new_id
from chassis.lifecycle import Loop, Stop, background
from chassis.postgres import Database
from slotwire_contracts import ATTEMPTS_HEADERS, DeliveryAttempt, Topic, WebhookAttempts, decode_attempts, encode
from support.dispatcher import a_happening, dispatcher
from support.servers import Servers
from support.topics import fresh_topic, read_topic
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import Attempt, DeliveryState, Job, Outcome
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.composition import compose
from webhook_dispatcher.worker import publisher
from webhook_dispatcher.worker.metrics import UNPUBLISHED
from webhook_dispatcher.worker.publisher import AttemptPublisher

NOW = datetime(2026, 11, 20, 12, 30, 0, 250_000, tzinfo=UTC)
TAIL = compose(encode(a_happening("reservation.seated"))).tail
TIMEOUT = Failure(FailureKind.TIMEOUT, "no answer")


def an_outcome(to: Subscription, exchange: Exchange, state: DeliveryState, number: int = 1) -> Outcome:
    job = Job(new_id("dlv"), to.id, "wrk_1", number - 1, TAIL)
    return Outcome(job, state, attempt=Attempt(number, NOW, 12, exchange, to))


def some(to: Subscription, count: int) -> list[Outcome]:
    return [an_outcome(to, Answer(204, {}, b""), DeliveryState.DELIVERED) for _ in range(count)]


async def published(servers: Servers, topic: Topic, attempts: int) -> list[WebhookAttempts]:
    """Wait until so many attempts are on the topic."""

    async def found() -> list[WebhookAttempts]:
        records = await read_topic(servers.kafka_bootstrap, topic.name)
        read = [decode_attempts(one.value) for one in records]
        assert [one.key for one in records] == [one.subscription_id.encode() for one in read]
        assert all(one.headers == ATTEMPTS_HEADERS for one in records)
        return read

    async def enough() -> bool:
        return sum(len(one.attempts) for one in await found()) >= attempts

    await eventually(enough, within=20)
    return await found()


@pytest.fixture
async def topic(servers: Servers) -> Topic:
    return await fresh_topic(servers.kafka_bootstrap, partitions=1)


@pytest.fixture
async def subscriptions(db: Database) -> Sequence[Subscription]:
    return [await dispatcher(db).subscribe("https://example.com/hook") for _ in range(2)]


async def test_attempts_of_a_second_are_one_record_for_each_subscription(
    servers: Servers, topic: Topic, subscriptions: Sequence[Subscription]
) -> None:
    one, other = subscriptions
    taken = [
        an_outcome(one, Answer(204, {}, b"secret"), DeliveryState.DELIVERED),
        an_outcome(other, Answer(500, {}, b""), DeliveryState.PENDING),
        an_outcome(one, TIMEOUT, DeliveryState.EXHAUSTED, number=10),
        an_outcome(one, TIMEOUT, DeliveryState.DISCARDED)._replace(attempt=None),
    ]
    taking = AttemptPublisher(servers.kafka_bootstrap, topic)
    async with background(Loop("attempts", taking.run), drain_seconds=5.0):
        taking.take(taken[:2])
        taking.take(taken[2:])
        records = {record.subscription_id: record for record in await published(servers, topic, 3)}
    assert records.keys() == {one.id, other.id}
    assert (records[one.id].org_id, records[one.id].active_since) == (one.org_id, one.active_since)
    told = {"event_type": "reservation.seated", "started_at": NOW, "latency_ms": 12}
    first, last = records[one.id].attempts
    assert first == DeliveryAttempt(
        **told, delivery_id=taken[0].job.id, number=1, status=204, error=None, outcome="delivered"
    )
    assert last == DeliveryAttempt(
        **told, delivery_id=taken[2].job.id, number=10, status=None, error="timeout", outcome="exhausted"
    )
    assert [each.status for each in records[other.id].attempts] == [500]


async def test_attempts_before_and_after_a_change_of_the_url_are_told_apart(
    servers: Servers, topic: Topic, subscriptions: Sequence[Subscription]
) -> None:
    one = subscriptions[0]
    moved = replace(one, active_since=one.active_since + timedelta(seconds=1))
    taking = AttemptPublisher(servers.kafka_bootstrap, topic)
    async with background(Loop("attempts", taking.run), drain_seconds=5.0):
        taking.take([*some(one, 1), *some(moved, 2)])
        records = await published(servers, topic, 3)
    assert [(each.active_since, len(each.attempts)) for each in records] == [
        (one.active_since, 1),
        (moved.active_since, 2),
    ]


async def test_beyond_the_bound_attempts_are_dropped_and_counted_and_the_others_come(
    servers: Servers, topic: Topic, subscriptions: Sequence[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    """«if the broker is away, records are kept up to a bound and then dropped and counted»"""
    monkeypatch.setattr(publisher, "_KEPT_ATTEMPTS", 1_100)
    taking = AttemptPublisher(servers.kafka_bootstrap, topic)
    before = UNPUBLISHED._value.get()
    await asyncio.to_thread(servers.kafka.kill)
    try:
        async with background(Loop("attempts", taking.run), drain_seconds=5.0):
            taking.take(some(subscriptions[0], 1_000))
            await asyncio.sleep(1.5)  # some were closed, and found no broker
            taking.take(some(subscriptions[0], 300))
            assert UNPUBLISHED._value.get() - before == 200
            await asyncio.to_thread(servers.kafka.start)
            records = await published(servers, topic, 1_100)
            taking.take(some(subscriptions[0], 1))
            await published(servers, topic, 1_101)
    finally:
        await asyncio.to_thread(servers.kafka.start)
    assert sum(len(record.attempts) for record in records) == 1_100
    assert max(len(record.attempts) for record in records) == 500
    assert UNPUBLISHED._value.get() - before == 200


async def test_what_the_work_left_behind_is_published_at_the_end(
    servers: Servers, topic: Topic, subscriptions: Sequence[Subscription]
) -> None:
    taking = AttemptPublisher(servers.kafka_bootstrap, topic)
    stop = Stop()

    async def work(stop: Stop) -> None:
        await stop.wait(10)
        taking.take(some(subscriptions[0], 3))

    running = asyncio.create_task(taking.beside(work, stop))
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.wait_for(running, 10)
    (record,) = await published(servers, topic, 3)
    assert len(record.attempts) == 3


async def test_an_attempt_that_is_none_is_dropped_and_counted_and_takes_no_room(
    servers: Servers, topic: Topic, subscriptions: Sequence[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who settles deliveries hears nothing of it, and what comes later is published."""
    monkeypatch.setattr(publisher, "_RECORD_ATTEMPTS", 3)
    monkeypatch.setattr(publisher, "_KEPT_ATTEMPTS", 3)
    one = subscriptions[0]
    taking = AttemptPublisher(servers.kafka_bootstrap, topic)
    before = UNPUBLISHED._value.get()
    async with background(Loop("attempts", taking.run), drain_seconds=5.0):
        taking.take([an_outcome(one, TIMEOUT, DeliveryState.PENDING, number=0), *some(one, 2)])
        assert UNPUBLISHED._value.get() - before == 3
        taking.take(some(one, 3))
        (record,) = await published(servers, topic, 3)
    assert len(record.attempts) == 3
    assert UNPUBLISHED._value.get() - before == 3
