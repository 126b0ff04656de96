"""I4: no delivery is left leased to a worker that does not know of it, whatever becomes of a transaction's answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from chassis.clock import utc_now
from chassis.lifecycle import Loop, background
from chassis.postgres import Connection, Database
from slotwire_contracts import encode, record_key
from support.dispatcher import (
    LIMITS,
    ORG,
    Dispatcher,
    a_happening,
    a_retention,
    arrival,
    late_heartbeats,
    lease_of,
    put_deliveries,
    running,
    waits_for_a_lock,
)
from support.endpoints import Endpoint, endpoint, status
from support.servers import Servers
from support.statements import began, statements
from support.topics import fresh_topic, write_topic
from support.waiting import eventually
from webhook_dispatcher.consumer import consumer
from webhook_dispatcher.domain.delivery import Birth, DeliveryState
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.service.ingest import Ingest
from webhook_dispatcher.store import deliveries, taking

LEASES = "SELECT count(*) FROM deliveries WHERE leased_by IS NOT NULL"


class UnansweredDatabase(Database):
    """Commits the first transaction that has leased a delivery, and loses the answer."""

    lost = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as conn:
            yield conn
            leases = await conn.fetchval(LEASES)
        self._lose(leases)

    def _lose(self, leases: int) -> None:
        if leases and not self.lost:
            self.lost = True
            raise ConnectionResetError("the answer is lost")


class UnansweredStatements(UnansweredDatabase):
    """Loses that of the first connection that has leased one, and remembers what that had been asked."""

    unanswered: Sequence[str] = ()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as conn:
            async with statements(conn) as sent:
                yield conn
            leases = await conn.fetchval(LEASES)
        if not self.lost:
            self.unanswered = sent
        self._lose(leases)


async def slow(receiver: Endpoint) -> web.Response:
    await asyncio.sleep(0.7)
    return status(204)(receiver)


async def all_delivered(one: Dispatcher) -> bool:
    async with one.database.connection() as conn:
        states = await conn.fetch("SELECT DISTINCT state FROM deliveries")
    return [row["state"] for row in states] == ["delivered"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_births_whose_commit_is_not_answered_are_sent(prepared: str, servers: Servers, *, at_once: bool) -> None:
    """The event is known, so the consumer hands nothing over when it tries again."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    async with (
        running(prepared) as one,
        endpoint() as receiver,
        UnansweredStatements(prepared, pool_size=2, application="tests").opened() as database,
    ):
        subscription = await one.subscribe(receiver.url)
        if at_once:
            async with one.database.connection() as conn:
                await one.directory.refresh(conn)
                await conn.execute("INSERT INTO consumed (topic, partition, next) VALUES ($1, 0, 0)", topic.name)
        loop = consumer(
            servers.kafka_bootstrap,
            database,
            Ingest(one.directory, one.worker, utc_now),
            a_retention(database),
            clock=utc_now,
            topics=[topic],
            group=topic.name,
        )
        event = a_happening()
        await write_topic(servers.kafka_bootstrap, topic.name, [(record_key(event), encode(event))])
        async with background(Loop("consumer", loop.run), drain_seconds=5.0):

            async def is_lost() -> bool:
                return isinstance(database, UnansweredDatabase) and database.lost

            await eventually(is_lost, within=20)
            assert isinstance(database, UnansweredStatements)
            assert began(database.unanswered) != at_once
            assert (await one.settled(event, subscription)).state is DeliveryState.DELIVERED
    assert len(receiver.requests) == 1


async def test_claims_whose_commit_is_not_answered_are_sent(prepared: str) -> None:
    async with running(prepared, database_class=UnansweredDatabase) as one, endpoint() as receiver:
        subscription = await one.subscribe(receiver.url)
        ids = await put_deliveries(one.database, subscription.id, 20)
        await eventually(lambda: all_delivered(one), within=10)
        assert isinstance(one.database, UnansweredDatabase)
        assert one.database.lost
    assert sorted(request.headers["webhook-id"] for request in receiver.requests) == sorted(ids)


async def test_births_under_a_heartbeat_that_is_merely_late_are_kept(prepared: str) -> None:
    """Their identity is still the worker's, so they are sent as soon as its heartbeat succeeds."""
    limits = replace(LIMITS, margin=2.0)
    async with running(prepared, limits) as one, endpoint() as receiver:
        subscription = await one.subscribe(receiver.url)
        event = a_happening()
        async with one.database.connection() as conn:
            taken = await one.ingest.take(conn, [arrival(event)])
        assert taken is not None
        lease = lease_of(one)
        assert lease is not None
        async with late_heartbeats(one):
            taken()
            assert one.worker._held(lease) == {delivery_id(event.id, subscription.id)}
            assert receiver.requests == []
        assert (await one.settled(event, subscription)).state is DeliveryState.DELIVERED
    assert len(receiver.requests) == 1


async def test_births_that_are_offered_too_late_are_left_to_be_claimed(prepared: str) -> None:
    limits = replace(LIMITS, margin=0.5)
    async with running(prepared, limits) as one, endpoint() as receiver:
        await one.subscribe(receiver.url)
        event = a_happening()
        async with one.database.connection() as conn:
            taken = await one.ingest.take(conn, [arrival(event)])
        await asyncio.sleep(0.6)
        assert taken is not None
        taken()
        await asyncio.sleep(0.2)
        assert receiver.requests == []
        await eventually(lambda: all_delivered(one), within=10)
    assert len(receiver.requests) == 1


async def test_what_is_in_memory_or_under_way_is_no_stray(prepared: str) -> None:
    """Deliveries that wait their turn for long are looked at many times, and each is sent once."""
    limits = replace(LIMITS, margin=0.5, endpoint_slots=2)
    async with running(prepared, limits) as one, endpoint(slow) as receiver:
        await one.subscribe(receiver.url)
        await one.publish(*[a_happening() for _ in range(8)])
        await eventually(lambda: all_delivered(one), within=20)
    assert len(receiver.requests) == len({request.headers["webhook-id"] for request in receiver.requests}) == 8


async def test_claims_under_an_identity_that_is_lost_by_the_commit_are_not_sent_twice(prepared: str) -> None:
    async with running(prepared) as one, endpoint(slow) as receiver:
        subscription = await one.subscribe(receiver.url)
        before = lease_of(one)
        event = a_happening()
        async with one.database.transaction() as conn:
            await taking.claim(conn, [arrival(event)], [arrival(event).place], {event.id: 1})
        async with one.database.transaction() as conn:
            await conn.execute("LOCK TABLE events")  # claiming reads it
            birth = Birth(delivery_id(event.id, subscription.id), event.id, subscription.id, ORG, event.type)
            async with one.database.transaction() as other:
                await deliveries.insert(other, [birth], utc_now())
            await eventually(lambda: waits_for_a_lock(one.database, "events"), within=10)
            async with one.database.connection() as other:
                await other.execute("DELETE FROM workers")

            async def has_another() -> bool:
                return lease_of(one) not in {None, before}

            await eventually(has_another, within=10)
        assert (await one.settled(event, subscription)).state is DeliveryState.DELIVERED
        await asyncio.sleep(0.3)
    assert len(receiver.requests) == 1
