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
from pathlib import Path

import psutil
import pytest

from chassis.postgres import Database, database_url
from devstack.process import wait_until_gone
from support.moments import IN_INGEST, IN_SETTLE, held_up
from support.scene import Scene, a_scene, metric
from support.servers import CrashableServer, Servers, running_servers
from support.system import ServiceProcess, System, running_system
from support.waiting import eventually
from webhook_dispatcher.settings import DATABASE

_log = logging.getLogger(__name__)

SESSION_SECONDS = 6.0  # what Kafka waits for a member that is silent


@pytest.fixture(scope="module")
def rng() -> random.Random:
    seed = int(os.environ.get("SLOTWIRE_TEST_SEED") or random.SystemRandom().randrange(10**6))
    _log.warning("seed %d repeats the choices and the pauses", seed)
    return random.Random(seed)


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Two dispatchers on servers of their own, which nobody else needs."""
    with running_servers() as servers:
        settings = {"SLOTWIRE_WEBHOOK_TIMEOUT": "1", "SLOTWIRE_WEBHOOK_LEASE_MARGIN": "1"}
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


async def test_kill_9_while_events_are_taken_in_attempts_are_made_and_outcomes_written(
    system: System, scene: Scene, database: Database, rng: random.Random
) -> None:
    async with scene.under_load():
        for statement in (IN_INGEST, IN_SETTLE):
            await asyncio.sleep(rng.uniform(0.2, 0.6))
            async with held_up(database, system.dispatcher, statement) as process:
                await again(process)
        for _ in range(2):
            await asyncio.sleep(rng.uniform(0.1, 1.0))
            await again(rng.choice(system.dispatcher))
    await scene.prove()
