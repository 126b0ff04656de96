"""Cal.com sync: an organization's first sync of many bookings, and then every way of looking for what has changed.

A sync that is asked for takes from its POST to the answer, which comes when booking has taken everything over; one that
the service begins by itself, as long as its record says. Invariant: one sync is under way at a time, and nothing
changes at the stand-in, which counts the requests and locks out who asks too often.
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
_INTERVAL = 30  # seconds from one sync that the service begins by itself to the next; the least that it takes
_KINDS = ("reconcile", "incremental")
_SECONDS = "SELECT extract(epoch FROM ended_at - started_at)::float8 FROM runs WHERE id = $1"


@dataclass(frozen=True)
class Sync:
    """One sync.

    Attributes:
        seconds: how long it took.
        requests: how many it made at Cal.com.
        counts: its sums: fetched, synced, skipped, failed.
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
        syncs: by name, in their order.
    """

    idle_mib: float
    syncs: dict[str, Sync]


@dataclass(frozen=True)
class _Office:
    """An organization whose bookings are made in Cal.com."""

    stack: Stack
    calcom: Process
    service: Process
    tenant: Tenant

    async def sync(self) -> Sync:
        """Ask for a sync of everything."""
        before, began = await self._count(), time.perf_counter()
        told = await self._send("POST", _SYNC, {"organizationId": self.tenant.org_id})
        return self._sync(told, time.perf_counter() - began, await self._count() - before)

    async def set_up(self, schedule_id: str, *, enabled: bool) -> None:
        """Have it keep the bookings on a schedule; if enabled, the service begins to read by itself, and at once."""
        where = {"base_url": self.calcom.url, "default_schedule_id": schedule_id}
        how = {"api_key": _KEY, "sync_interval_seconds": _INTERVAL, "enabled": enabled}
        await self._send("PUT", _INTEGRATION, {**where, **how})

    async def by_itself(self, kind: str) -> Sync:
        """Wait for the end of the first sync of a kind that the service begins by itself."""
        found: list[dict[str, Any]] = []

        async def is_over() -> bool:
            listed = (await self._send("GET", f"{_INTEGRATION}/runs"))["data"]
            found[:] = [run for run in listed if run["kind"] == kind and run["status"] == "completed"]
            return bool(found)

        await until(is_over, within=_PATIENCE)
        run = found[-1]
        return self._sync(run, await self.stack.value("calcom_sync", _SECONDS, run["id"]), run["requests"])

    def _sync(self, told: dict[str, Any], seconds: float, requests: int) -> Sync:
        counts = {name: told[name] for name in ("fetched", "synced", "skipped", "failed")}
        return Sync(seconds, requests, counts, peak_mib(self.service.pid))

    async def _count(self) -> int:
        async with self.stack.http.get(f"{self.calcom.url}/count") as answer:
            return int(await answer.text())

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.tenant.key}"}
        async with self.stack.http.request(method, self.service.url + path, json=body, headers=headers) as answer:
            content: dict[str, Any] = await answer.json()
        if not answer.ok:
            raise child.ChildError(f"{method} {path}: {answer.status} {content}")
        return content


async def measure(stack: Stack) -> Measured:
    """Measure one after the other."""
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
        tenant = await stack.tenant()
        office = _Office(stack, calcom, service, tenant)
        schedule = await stack.make(booking, tenant, "/api/v1/schedules", {"name": "Bench", "timezone": "UTC"})
        await office.set_up(schedule["id"], enabled=False)
        idle = peak_mib(service.pid)
        asked = {"first": await office.sync(), "second": await office.sync()}
        await office.set_up(schedule["id"], enabled=True)
        return Measured(idle, asked | {kind: await office.by_itself(kind) for kind in _KINDS})


@asynccontextmanager
async def _standin(stack: Stack) -> AsyncIterator[Process]:
    """Run the stand-in for the block."""
    port, env = free_port(), {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    arguments = ("bench.programs.calcom", str(port), _KEY, str(stack.plan.calcom_bookings))
    async with child.running(*arguments, env=env, log=stack.log("calcom")) as leashed:
        process = Process(leashed.pid, port)
        await until(lambda: stack.answers(f"{process.url}/count"))
        yield process
