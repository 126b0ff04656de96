"""Deliveries survive whatever happens to workers and to the database; duplicates carry the same `webhook-id`."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from asyncpg.transaction import Transaction

from chassis.postgres import Database
from support.dispatcher import (
    LIMITS,
    Dispatcher,
    a_happening,
    late_heartbeats,
    lease_of,
    running,
    waits_for_a_lock,
)
from support.endpoints import Endpoint, endpoint, hanging, status
from support.programs import running_program
from support.servers import Servers
from support.waiting import eventually
from webhook_dispatcher.domain.delivery import DeliveryState, Job, Outcome
from webhook_dispatcher.store import outcomes, workers

QUICK = replace(LIMITS, timeout=0.5, margin=0.6)
TESTS = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from support.dispatcher import running, a_happening
from support.dispatcher import LIMITS
from dataclasses import replace

async def main():
    async with running(sys.argv[1], replace(LIMITS, timeout=0.5, margin=0.6)) as one:
        await one.publish(*[a_happening() for _ in range(20)])
        print("published", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def counts(one: Dispatcher) -> dict[str, int]:
    async with one.database.connection() as conn:
        rows = await conn.fetch("SELECT state, count(*) AS n FROM deliveries GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


async def test_another_worker_takes_over_from_one_that_was_killed(prepared: str, tmp_path: Path) -> None:
    """Kill -9 in mid-attempt: nothing is lost, and what comes twice has the same id and the same bytes."""
    gate = asyncio.Event()

    async def hang_until_killed(receiver: Endpoint) -> web.Response:
        if not gate.is_set():
            await hanging(receiver)
        return status(204)(receiver)

    async with endpoint(hang_until_killed) as receiver:
        async with running(prepared, QUICK) as setup:
            await setup.subscribe(receiver.url, retry=[0.1] * 20)
        async with running_program(PROGRAM, prepared, str(TESTS), folder=tmp_path) as process:
            assert process.stdout is not None
            while await process.stdout.readline() != b"published\n":
                pass
            await asyncio.wait_for(receiver.came.wait(), 10)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        gate.set()
        async with running(prepared, QUICK) as heir:

            async def all_are_delivered() -> bool:
                return await counts(heir) == {"delivered": 20}

            await eventually(all_are_delivered, within=15)
    bodies: dict[str, set[bytes]] = {}
    for request in receiver.requests:
        bodies.setdefault(request.headers["webhook-id"], set()).add(request.body)
    assert len(bodies) == 20
    assert all(len(one) == 1 for one in bodies.values())


async def test_two_workers_share_the_work_and_send_nothing_twice(prepared: str) -> None:
    small = replace(LIMITS, endpoint_queue=20, queue=100)
    async with endpoint() as receiver, running(prepared, small) as one, running(prepared, small) as other:
        await one.subscribe(receiver.url)
        await one.publish(*[a_happening() for _ in range(200)])
        await other.publish(*[a_happening() for _ in range(200)])

        async def all_are_delivered() -> bool:
            return await counts(one) == {"delivered": 400}

        await eventually(all_are_delivered, within=20)
    assert len(receiver.requests) == len({request.headers["webhook-id"] for request in receiver.requests}) == 400


async def test_a_good_stop_waits_for_attempts_and_leaves_nothing_held(prepared: str) -> None:
    async def slow(receiver: Endpoint) -> web.Response:
        await asyncio.sleep(0.3)
        return status(204)(receiver)

    limits = replace(LIMITS, endpoint_slots=4)
    async with endpoint(slow) as receiver:
        async with running(prepared, limits) as one:
            await one.subscribe(receiver.url)
            await one.publish(*[a_happening() for _ in range(10)])
            await asyncio.wait_for(receiver.came.wait(), 5)
        async with (
            Database(prepared, pool_size=1, application="tests").opened() as database,
            database.connection() as conn,
        ):
            rows = await conn.fetch("SELECT state, leased_by FROM deliveries")
            left = await conn.fetchval("SELECT count(*) FROM workers")
        sent = len(receiver.requests)
        assert 1 <= sent <= 3
        assert sum(row["state"] == "delivered" for row in rows) == sent
        assert [row["leased_by"] for row in rows] == [None] * 10
        assert left == 0
        async with running(prepared, limits) as heir:

            async def all_are_delivered() -> bool:
                return await counts(heir) == {"delivered": 10}

            await eventually(all_are_delivered, within=10)
    assert len(receiver.requests) == 10


async def test_a_heartbeat_under_way_at_a_stop_leaves_no_worker_behind(prepared: str) -> None:
    """One that comes too late begins anew under another identity; that is given up as well."""

    async def end_soon(transaction: Transaction) -> None:
        await asyncio.sleep(0.5)
        await transaction.commit()

    async with (
        Database(prepared, pool_size=3, application="tests").opened() as database,
        database.connection() as conn,
        asyncio.TaskGroup() as group,
    ):
        async with running(prepared):
            deletion = conn.transaction()
            await deletion.start()
            await conn.execute("DELETE FROM workers")
            await eventually(lambda: waits_for_a_lock(database, "workers"), within=10)
            ended = group.create_task(end_soon(deletion))
        await ended
        assert await conn.fetchval("SELECT count(*) FROM workers") == 0


async def test_a_worker_that_lost_its_lease_changes_nothing_and_takes_a_new_identity(prepared: str) -> None:
    async with running(prepared, QUICK) as one, endpoint(status(500)) as receiver:
        subscription = await one.subscribe(receiver.url, retry=[3600])
        event = a_happening()
        await one.publish(event)
        delivery = await one.tried(event, subscription)
        identity = lease_of(one)
        assert identity is not None
        async with one.database.connection() as conn:
            await conn.execute("UPDATE deliveries SET leased_by = 'wrk_other'")
            await outcomes.settle(
                conn, [Outcome(Job(delivery.id, subscription.id, identity, 1, b""), DeliveryState.DELIVERED)]
            )
            await workers.forget(conn, identity)
        assert (await one.delivery(event, subscription)).state is DeliveryState.PENDING

        async def is_another() -> bool:
            return lease_of(one) not in {None, identity}

        await eventually(is_another, within=5)


async def test_a_worker_that_cannot_renew_stops_sending_first(prepared: str) -> None:
    """Its heartbeat hangs; before others could claim what it holds it starts nothing more.

    Known faults: «A lease lasts longer than the longest attempt.»
    """
    async with running(prepared, QUICK) as one, endpoint() as receiver:
        subscription = await one.subscribe(receiver.url)
        async with late_heartbeats(one):
            event = a_happening()
            await one.publish(event)
            await asyncio.sleep(0.3)
            assert receiver.requests == []
        assert (await one.settled(event, subscription)).state is DeliveryState.DELIVERED


@asynccontextmanager
async def without_postgres(servers: Servers) -> AsyncIterator[None]:
    await asyncio.to_thread(servers.postgres.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(servers.postgres.start)


async def test_outcomes_are_kept_while_the_database_is_away(prepared: str, servers: Servers) -> None:
    """Attempts that end meanwhile are written afterwards; nothing is sent again while the lease is held."""
    limits = replace(LIMITS, timeout=20.0, margin=20.0)
    gate = asyncio.Event()

    async def wait_for_gate(receiver: Endpoint) -> web.Response:
        await gate.wait()
        return status(204)(receiver)

    async with running(prepared, limits) as one, endpoint(wait_for_gate) as receiver:
        subscription = await one.subscribe(receiver.url)
        events = [a_happening() for _ in range(5)]
        await one.publish(*events)
        await asyncio.wait_for(receiver.came.wait(), 5)
        async with without_postgres(servers):
            gate.set()
            await asyncio.sleep(0.5)

        async def answers() -> bool:
            return await one.database.answers()

        await eventually(answers, within=30)
        for event in events:
            assert (await one.settled(event, subscription, within=20)).state is DeliveryState.DELIVERED
    assert len(receiver.requests) == 5


async def test_a_secret_sealed_with_another_key_fails_its_own_deliveries_only(dispatcher: Dispatcher) -> None:
    async with endpoint() as receiver:
        broken = await dispatcher.subscribe(receiver.url, retry=[])
        async with dispatcher.database.transaction() as conn:
            await conn.execute("UPDATE directory SET version = version + 1")
            await conn.execute(
                "UPDATE subscriptions SET secret = $2, version = (SELECT version FROM directory) WHERE id = $1",
                broken.id,
                os.urandom(60),
            )
        healthy = await dispatcher.subscribe(receiver.url)
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, broken)).state is DeliveryState.EXHAUSTED
        assert (await dispatcher.settled(event, healthy)).state is DeliveryState.DELIVERED
        (attempt,) = await dispatcher.attempts(event, broken)
    assert (attempt.status, attempt.error) == (None, "unreadable_secret")
