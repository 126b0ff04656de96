"""A run: the system under load and faults for a time, then healed and given time to settle, then read.

Invariant: whatever happens, everything that was started is ended, and what was seen is told.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from chaos.evidence import Evidence
from chaos.faults import Faults
from chaos.journal import Journal
from chaos.load.client import Clients
from chaos.load.surroundings import ORGANIZATIONS, surroundings
from chaos.load.whole import Load
from chaos.machine import look_after
from chaos.plan import plan
from chaos.reach import Reach
from chaos.settle import settle
from chaos.stage import Stage, running_stage
from chaos.stored import read_stored
from chaos.watch import watch
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from support.system import Tenant, new_tenant


@dataclass(frozen=True)
class Ran:
    """What came of a run.

    Attributes:
        left: what had not come to rest, and how much of it.
    """

    evidence: Evidence
    journal: Journal
    left: Mapping[str, int]


async def run(seed: int, duration: float, logs: Path) -> Ran:
    """Have one of so many seconds; processes write into the folder `logs`."""
    journal, over = Journal(), Stop()
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(surroundings(seed, journal))
        stage = await stack.enter_async_context(running_stage(logs, outside.ways))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)))
        tenants = [await new_tenant(stage.servers) for _ in range(ORGANIZATIONS)]
        load = Load(Clients(seed, stage.doors, http, journal, over), duration, outside)
        await load.prepare(tenants)
        return await _happen(load, stage, tenants)


async def _happen(load: Load, stage: Stage, tenants: Sequence[Tenant]) -> Ran:
    """Have load and faults, wait for rest, and read what is stored; what comes meanwhile is told, too."""
    journal, calm, began_at = load.clients.journal, Stop(), utc_now()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(stage, journal, calm))
        group.create_task(look_after(journal, calm))
        await _disturb(load, Faults(stage, journal, load.clients.over), stage)
        ended_at = utc_now()
        await load.close()
        left = await settle(stage)
        journal.notes.append(f"rest was waited for {(utc_now() - ended_at).total_seconds():.1f} s")
        stored = await read_stored(_reach(stage, tenants, load))
        calm.set()
    org_ids = [tenant.org_id for tenant in tenants]
    told = journal.told(seed=load.clients.seed, org_ids=org_ids, began_at=began_at, ended_at=ended_at, settled=not left)
    return Ran(Evidence(told, stored), journal, left)


async def _disturb(load: Load, faults: Faults, stage: Stage) -> None:
    """Have load and faults for the duration, and all healed."""
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run())
        group.create_task(faults.play(plan(load.clients.seed, load.duration, stage.targets)))
        await asyncio.sleep(load.duration)
        load.end()


def _reach(stage: Stage, tenants: Sequence[Tenant], load: Load) -> Reach:
    return Reach(
        servers=stage.servers,
        booking_url=stage.doors["booking"],
        webhooks_url=stage.doors["webhook_dispatcher"],
        keys={tenant.org_id: tenant.key for tenant in tenants},
        calcom=load.truth(),
    )
