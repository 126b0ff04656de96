"""A run: the system under load and faults for a time, then healed and given time to settle, then read.

Invariant: whatever happens, everything that was started is ended, and what was seen is told.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from chaos.evidence import Evidence
from chaos.faults import Faults
from chaos.journal import Journal
from chaos.load.surroundings import ORGANIZATIONS, surroundings
from chaos.load.whole import Load
from chaos.plan import plan
from chaos.settle import settle
from chaos.stage import running_stage
from chaos.stored import read_stored
from chaos.watch import watch
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from support.system import new_tenant


@dataclass(frozen=True)
class Ran:
    """What came of a run.

    Attributes:
        left: what had not come to rest, and how much of it.
    """

    evidence: Evidence
    journal: Journal
    left: dict[str, int]


async def run(seed: int, duration: float, logs: Path) -> Ran:
    """Have one; processes write into the folder `logs`."""
    journal, over, gone = Journal(), Stop(), Stop()
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(surroundings(seed, journal))
        stage = await stack.enter_async_context(running_stage(logs, outside.ways))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)))
        tenants = [await new_tenant(stage.servers) for _ in range(ORGANIZATIONS)]
        load = Load(seed, duration, stage.doors, http, journal, outside, over)
        await load.prepare(tenants)
        began_at = utc_now()
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(stage, journal, gone))
            asking = group.create_task(load.run())
            faults = Faults(stage, journal, over)
            breaking = group.create_task(faults.play(plan(seed, duration, stage.targets)))
            await asyncio.sleep(duration)
            over.set()
            outside.heal()
            await asyncio.gather(asking, breaking)
            ended_at = utc_now()
            with journal.minding("closing"):
                await load.close()
            left = await settle(stage.servers)
            gone.set()
        told = journal.told(
            seed=seed,
            org_ids=[tenant.org_id for tenant in tenants],
            began_at=began_at,
            ended_at=ended_at,
            settled=not left,
        )
        stored = await read_stored(stage, told)
        return Ran(Evidence(told, replace(stored, calcom=load.truth())), journal, dict(left))
