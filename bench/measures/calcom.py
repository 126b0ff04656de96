"""Cal.com sync: an organization's first sync of many bookings, and a second one when nothing has changed.

A sync takes from its POST to the answer, which comes when booking has taken everything over. The stand-in counts the
requests itself, and locks out who asks too often. Invariant: nothing is read at Cal.com but for these two syncs.
"""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench import child
from bench.child import ROOT
from bench.stack import Process, Stack, Tenant, until
from bench.usage import peak_mib
from devstack.ports import free_port

_INTEGRATION, _SYNC = "/api/v1/integrations/calcom", "/api/bookings/sync-calcom"
_KEY = "cal_live_of_the_bench"
_PATIENCE = 1800.0  # seconds


@dataclass(frozen=True)
class Sync:
    """One sync.

    Attributes:
        seconds: from its POST to the answer.
        requests: how many came to the stand-in.
        counts: what was answered: fetched, synced, skipped, failed.
        peak_mib: the service's greatest resident memory so far.
    """

    seconds: float
    requests: int
    counts: dict[str, int]
    peak_mib: float


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        idle_mib: the service's greatest resident memory before the first sync.
    """

    idle_mib: float
    first: Sync
    second: Sync


@dataclass(frozen=True)
class _Office:
    """An organization whose bookings are made in Cal.com."""

    stack: Stack
    calcom: Process
    service: Process
    tenant: Tenant

    async def set_up(self, booking: Process) -> None:
        """Have it keep the bookings on one schedule."""
        schedule = {"name": "Bench", "timezone": "UTC", "capacity": 1}
        made = await self.stack.make(booking, self.tenant, "/api/v1/schedules", schedule)
        body = {"api_key": _KEY, "base_url": self.calcom.url, "default_schedule_id": made["id"], "enabled": False}
        await self._send("PUT", _INTEGRATION, body)

    async def sync(self) -> Sync:
        """Sync everything."""
        before, began = await self._count(), time.perf_counter()
        told = await self._send("POST", _SYNC, {"organizationId": self.tenant.org_id})
        seconds = time.perf_counter() - began
        counts = {name: told[name] for name in ("fetched", "synced", "skipped", "failed")}
        return Sync(seconds, await self._count() - before, counts, peak_mib(self.service.pid))

    async def _count(self) -> int:
        async with self.stack.http.get(f"{self.calcom.url}/count") as answer:
            return int(await answer.text())

    async def _send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.tenant.key}"}
        async with self.stack.http.request(method, self.service.url + path, json=body, headers=headers) as answer:
            content: dict[str, Any] = await answer.json()
        if not answer.ok:
            raise child.ChildError(f"{method} {path}: {answer.status} {content}")
        return content


async def measure(stack: Stack) -> Measured:
    """Measure both."""
    settings = {
        "SLOTWIRE_CALCOM_ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "SLOTWIRE_CALCOM_ALLOW_HTTP": "true",
        "SLOTWIRE_CALCOM_PACE": str(stack.plan.calcom_pace),
        "SLOTWIRE_CALCOM_PATIENCE": str(_PATIENCE),
    }
    await child.run("calcom_sync", "migrate", env={**stack.env, **settings}, log=stack.log("calcom_sync"))
    async with (
        _standin(stack) as calcom,
        stack.service("booking") as booking,
        stack.service("calcom_sync", **settings) as service,
    ):
        office = _Office(stack, calcom, service, await stack.tenant())
        await office.set_up(booking)
        return Measured(peak_mib(service.pid), await office.sync(), await office.sync())


@asynccontextmanager
async def _standin(stack: Stack) -> AsyncIterator[Process]:
    """Run the stand-in for the block."""
    port, env = free_port(), {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    arguments = ("bench.programs.calcom", str(port), _KEY, str(stack.plan.calcom_bookings))
    async with child.running(*arguments, env=env, log=stack.log("calcom")) as leashed:
        process = Process(leashed.pid, port)
        await until(lambda: stack.answers(f"{process.url}/count"))
        yield process
