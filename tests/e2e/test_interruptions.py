"""The dispatcher's processes, its broker and its database are killed, stopped and started under load: it all adds up.

«kill -9 of any process at any point, a rebalance in mid-batch, a broker restart, a database restart: ledger balances,
no second `webhook-id` for one (event, subscription)». What adds up is told in `support.scene`.
"""

import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from chassis.postgres import Database, database_url
from devstack.process import wait_until_gone
from slotwire_contracts import BOOKING_EVENTS
from support.moments import BEFORE_INGEST, IN_INGEST, IN_SETTLE, held
from support.scene import SUBSCRIPTIONS, Scene, a_scene, metric, well
from support.servers import CrashableServer, running_servers
from support.system import ServiceProcess, System, running_system
from support.topics import forget
from support.waiting import eventually
from webhook_dispatcher.settings import DATABASE

_log = logging.getLogger(__name__)

TIMEOUT, MARGIN = 0.5, 1.0
LEASE_SECONDS = TIMEOUT + MARGIN  # a worker whose heartbeat is older has lost what it held
SESSION_SECONDS = 6.0  # a member of the group that is silent for as long has lost its partitions


@pytest.fixture(scope="module")
def rng() -> random.Random:
    seed = int(os.environ.get("SLOTWIRE_TEST_SEED") or random.SystemRandom().randrange(10**6))
    _log.warning("seed %d repeats the choices and the pauses", seed)
    return random.Random(seed)


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Two dispatchers on servers of their own, which nobody else needs."""
    with running_servers() as servers:
        settings = {"SLOTWIRE_WEBHOOK_TIMEOUT": f"{TIMEOUT}", "SLOTWIRE_WEBHOOK_LEASE_MARGIN": f"{MARGIN}"}
        logs = tmp_path_factory.mktemp("logs")
        async with running_system(servers, logs, booking=0, dispatcher=2, **settings) as running:
            yield running


@pytest.fixture
async def database(system: System) -> AsyncIterator[Database]:
    """The dispatchers' own, to look into and to lock."""
    url = database_url(system.servers.postgres_url, DATABASE)
    async with Database(url, pool_size=2, application="tests").opened() as opened:
        yield opened


@pytest.fixture
async def scene(system: System, database: Database, rng: random.Random) -> AsyncIterator[Scene]:
    async with a_scene(system, database, rng) as made:
        yield made


async def again(process: ServiceProcess) -> None:
    """Kill -9, and start again."""
    await asyncio.to_thread(process.kill)
    await asyncio.to_thread(process.start)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(IN_SETTLE, id="while outcomes are written"),
        pytest.param(BEFORE_INGEST, id="before events are written, which they are all the same"),
        pytest.param(IN_INGEST, id="after events are written, which are not committed"),
    ],
)
async def test_kill_9(system: System, scene: Scene, database: Database, rng: random.Random, statement: str) -> None:
    """And once more at any other time, whatever attempts are under way."""
    async with scene.under_load():
        await asyncio.sleep(rng.uniform(0.2, 0.6))
        async with held(database, statement) as hold:
            await again(await hold.meet(*system.dispatcher))
            if statement == IN_INGEST:
                await hold.cut()
        await asyncio.sleep(rng.uniform(0.1, 1.0))
        await again(rng.choice(system.dispatcher))
    await scene.prove()


async def test_a_rebalance_in_the_middle_of_a_batch(
    system: System, scene: Scene, database: Database, rng: random.Random
) -> None:
    """One leaves in good order while the other is in a batch, and comes back while that one is in the next."""
    stays, other = system.dispatcher
    async with scene.under_load():
        await eventually(lambda: takes_part(stays))
        await asyncio.sleep(rng.uniform(0.2, 0.6))
        async with held(database, IN_INGEST) as hold:
            await hold.meet(stays)
            leaving = asyncio.create_task(asyncio.to_thread(other.stop))
            await asyncio.sleep(rng.uniform(1.0, 2.0))
        await leaving
        async with held(database, IN_INGEST) as hold:
            await hold.meet(stays)
            await asyncio.to_thread(other.start)
            await eventually(other.ready)
            await asyncio.sleep(rng.uniform(0.5, 1.0))
        await eventually(lambda: takes_part(other))
    await scene.prove()


async def takes_part(process: ServiceProcess) -> bool:
    return await metric(process, "slotwire_consumed_total") > 0


async def test_a_process_that_was_paused_for_too_long_does_no_harm(
    system: System, scene: Scene, database: Database, rng: random.Random
) -> None:
    """Its batch, its attempts and its heartbeat go on where others have taken over long ago."""
    async with scene.under_load():
        await asyncio.sleep(rng.uniform(0.2, 0.6))
        async with held(database, IN_INGEST) as hold:
            paused = await hold.meet(*system.dispatcher)
            os.kill(paused.pid, signal.SIGSTOP)
            try:
                lost = paused.told.count("lease_lost")
                await asyncio.sleep(SESSION_SECONDS + rng.uniform(1.0, 2.0))
            finally:
                os.kill(paused.pid, signal.SIGCONT)

        async def has_noticed() -> bool:
            return paused.told.count("lease_lost") > lost

        await eventually(has_noticed, within=10)
    await scene.prove()


IN_REPLAY = """
SELECT FROM events WHERE org_id = $1 AND partition = (SELECT max(partition) FROM events WHERE org_id = $1) FOR UPDATE
"""
IN_RECOVERY = "SELECT FROM deliveries WHERE org_id = $1 AND state = 'exhausted' FOR UPDATE"


async def test_a_replay_and_a_recovery_go_on_elsewhere_after_a_kill_9(scene: Scene, database: Database) -> None:
    """Each is met in the middle of a step; what it has done stays done, and the rest is done once."""
    await scene.publish(80)
    await scene.prove()
    since = f"{datetime.now(UTC) - timedelta(hours=1):%FT%TZ}"
    until = f"{datetime.now(UTC) + timedelta(hours=1):%FT%TZ}"
    await scene.subscribe("late", well)
    replay = await killed_in(scene, database, IN_REPLAY, "late", "replay", {"from": since, "to": until})
    read = await have_read(database, replay)
    failed = len(scene.hopeless)
    scene.subscribers["fitful"].answer = well
    recovery = await killed_in(scene, database, IN_RECOVERY, "fitful", "recover", {"since": since})
    done = [await ended(scene, job) for job in (replay, recovery)]
    assert 0 < read < done[0]["read"]
    counts = [(job["status"], job["matched"], job["created"], job["reopened"]) for job in done]
    assert counts == [("done", len(scene.events), len(scene.events), 0), ("done", failed, 0, failed)]
    await scene.prove(exhausted=0)


async def killed_in(scene: Scene, database: Database, step: str, name: str, kind: str, order: dict[str, str]) -> str:
    """Start a job, kill whoever does it in the middle of a step, and let its lease be over; the job's id."""
    async with held(database, step, scene.tenant.org_id) as hold:
        job = await scene.ask("POST", f"{SUBSCRIPTIONS}/{scene.subscriptions[name]}/{kind}", order)
        await again(await hold.meet(*scene.system.dispatcher))
    async with database.connection() as conn:  # as half a minute would do
        done = await conn.execute("UPDATE replays SET due_at = now() WHERE id = $1 AND state = 'running'", job["id"])
    assert done == "UPDATE 1"
    return str(job["id"])


async def have_read(database: Database, job: str) -> int:
    async with database.connection() as conn:
        return int(await conn.fetchval("SELECT records_read FROM replays WHERE id = $1", job))


async def ended(scene: Scene, job: str) -> Any:
    async def has_ended() -> bool:
        return bool((await scene.ask("GET", f"/api/v1/webhooks/replays/{job}"))["status"] != "running")

    await eventually(has_ended, within=30)
    return await scene.ask("GET", f"/api/v1/webhooks/replays/{job}")


async def test_a_broker_that_stops_and_one_that_is_killed(system: System, scene: Scene, rng: random.Random) -> None:
    kafka = system.servers.kafka
    async with scene.under_load():
        for end in (kafka.stop, kafka.kill):
            await asyncio.sleep(rng.uniform(0.5, 1.5))
            await asyncio.to_thread(end)
            await asyncio.sleep(rng.uniform(0.0, 1.0))
            await asyncio.to_thread(kafka.start)
    await scene.prove()


async def test_a_database_that_is_shut_down_at_once_and_one_that_is_killed(
    system: System, scene: Scene, rng: random.Random
) -> None:
    postgres = system.servers.postgres
    async with scene.under_load():
        for end, away in ((shut_down_at_once, rng.uniform(0.0, 0.5)), (type(postgres).kill, LEASE_SECONDS)):
            await asyncio.sleep(rng.uniform(0.5, 1.0))
            await asyncio.to_thread(end, postgres)
            await asyncio.sleep(away)
            await asyncio.to_thread(postgres.start)
    await scene.prove()


def shut_down_at_once(postgres: CrashableServer) -> None:
    """End PostgreSQL as `pg_ctl stop -m immediate` does: it cuts every session off, and recovers at its start."""
    server = psutil.Process(postgres.pid)
    server.send_signal(signal.SIGQUIT)
    assert wait_until_gone(server, 20)
    postgres.stop()


async def test_what_is_lost_shows_as_one_each(system: System, database: Database, rng: random.Random) -> None:
    """«Tests delete one delivery, one event, and one record before ingest: each shows as 1.»

    The last of this module: until here nothing was lost, and from here on the number never goes back to 0.
    """
    async with AsyncExitStack() as stack:
        scenes = [await stack.enter_async_context(a_scene(system, database, rng)) for _ in range(3)]
        for one in scenes:
            await one.publish(40)
        for one in scenes:
            await one.prove()
        for process in system.dispatcher:
            await eventually(process.ready)
            assert await shows(process, 0)
        without_delivery, without_event, without_record = scenes
        await lose(database, LOST_DELIVERY, without_delivery)
        await lose(database, LOST_EVENT, without_event)
        await lose_a_record(without_record)
        told = [await one.ledger() for one in scenes]
        assert [one["unaccounted"] for one in told] == [1, 1, 1]
        assert [one["in_flight"] for one in told] == [0, 0, 0]
        await asyncio.to_thread(system.dispatcher[0].start)  # it looks at all days at once; the other will before long
        await eventually(lambda: shows(system.dispatcher[0], 3))


UNACCOUNTED = "slotwire_deliveries_unaccounted"
LOST_DELIVERY = "DELETE FROM deliveries WHERE id = (SELECT max(id) FROM deliveries WHERE org_id = $1)"
LOST_EVENT = "DELETE FROM events WHERE event_id = (SELECT max(event_id) FROM events WHERE org_id = $1)"


async def lose(database: Database, statement: str, scene: Scene) -> None:
    async with database.connection() as conn:
        assert await conn.execute(statement, scene.tenant.org_id) == "DELETE 1"


async def lose_a_record(scene: Scene) -> None:
    """Let a record be deleted that nobody has read, and the second dispatcher read the one behind it."""
    known = scene.events[0].subject  # a resource's first event leaves no number out
    await asyncio.gather(*(asyncio.to_thread(process.stop) for process in scene.system.dispatcher))
    await scene.publish(1, known)
    await forget(scene.system.servers.kafka_bootstrap, BOOKING_EVENTS)
    await asyncio.to_thread(scene.system.dispatcher[1].start)
    before = (await scene.ledger())["accepted"]
    await scene.publish(1, known)

    async def is_taken_in() -> bool:
        told = await scene.ledger()
        return bool(told["accepted"] > before and told["in_flight"] == 0)

    await eventually(is_taken_in, within=30)


async def shows(process: ServiceProcess, number: int) -> bool:
    return await process.ready() and await metric(process, UNACCOUNTED) == number
