"""`slotwire calcom sync`: what it shows is the run's record, and how it ends says how that went."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from devstack.stack import RefusedError, api_at
from devstack.syncing import Sync, Wanted
from support.booking_service import Caller, Service, running_service
from support.calcom import Life, StandIn, standin
from support.calcom_service import INTEGRATION, CalcomService, running_calcom_service
from support.servers import Servers

PATIENCE = 30.0


@pytest.fixture(scope="module")
async def service(servers: Servers) -> AsyncIterator[CalcomService]:
    """Cal.com sync, which lets nobody wait for longer than a moment."""
    async with running_calcom_service(servers, calcom_patience=1.0) as running:
        yield running


@pytest.fixture(scope="module")
async def booking(servers: Servers) -> AsyncIterator[Service]:
    """The booking service, which applies what is told."""
    async with running_service(servers) as running:
        yield running


@dataclass
class Desk:
    """Somebody at a terminal whose organization has a Cal.com."""

    calcom: StandIn
    admin: Caller
    url: str

    @property
    def env(self) -> Mapping[str, str]:
        """What the terminal's environment has."""
        key = self.admin.headers["Authorization"].removeprefix("Bearer ")
        return {**os.environ, "SLOTWIRE_URL": self.url, "SLOTWIRE_KEY": key}

    async def type(self, *words: str) -> asyncio.subprocess.Process:
        """Type the command."""
        command = [sys.executable, "-m", "devstack", "calcom", "sync", *words]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, env=self.env, stdout=pipe, stderr=pipe)

    async def typed(self, *words: str) -> tuple[int | None, str, str]:
        """Type it and wait for its end; answers its exit code and what it printed."""
        process = await self.type("--org", self.admin.org_id, *words)
        async with asyncio.timeout(PATIENCE):
            out, notes = await process.communicate()
        return process.returncode, out.decode(), notes.decode()

    async def runs(self) -> list[dict[str, Any]]:
        """List the runs, the newest first."""
        return list((await self.admin.get(f"{INTEGRATION}/runs")).body["data"])


@pytest.fixture
async def desk(service: CalcomService, booking: Service) -> AsyncIterator[Desk]:
    """An organization with three bookings at Cal.com, one of which was moved."""
    life = Life(now=datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    uids = [life.create(in_days(day)) for day in (1, 2, 3)]
    life.advance(hours=1)
    life.reschedule(uids[0], in_days(4))
    async with standin(life) as calcom:
        admin = await service.caller()
        schedule_id = await (await booking.caller(admin.org_id)).schedule(capacity=5)
        body = {"api_key": calcom.key, "base_url": calcom.url, "default_schedule_id": schedule_id, "enabled": False}
        assert (await admin.send("PUT", INTEGRATION, body)).status == 200
        yield Desk(calcom, admin, service.base)


def in_days(days: float) -> datetime:
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=days)


async def test_what_became_of_it_is_told_and_again_there_is_nothing_to_do(desk: Desk) -> None:
    code, told, _ = await desk.typed()
    [run] = await desk.runs()
    assert code == 0
    assert told.splitlines() == [
        f"The sync {run['id']} is over: 4 fetched, 3 synced, 1 skipped, 0 failed, with 2 requests to Cal.com.",
        "          3  created",
        "          1  superseded",
    ]
    code, told, _ = await desk.typed()
    assert (code, "2 fetched, 0 synced, 2 skipped, 0 failed" in told) == (0, True)


async def test_a_time_that_is_given_bounds_it(desk: Desk) -> None:
    code, told, _ = await desk.typed("--start", in_days(3).isoformat(), "--end", f"{in_days(3):%Y-%m-%d}")
    assert (code, " 1 synced" in told) == (0, True)
    [run] = await desk.runs()
    assert run["start_date"] == f"{in_days(3):%Y-%m-%dT%H:%M:%SZ}"
    assert run["end_date"] == f"{in_days(4):%Y-%m-%d}T00:00:00Z"


async def test_one_that_takes_longer_than_its_request_waits_is_followed_to_its_end(desk: Desk) -> None:
    desk.calcom.defects.delay = 1.0
    code, told, notes = await desk.typed()
    assert (code, " 3 synced" in told, notes) == (0, True, "")


async def test_ctrl_c_ends_the_watching_and_not_the_sync(desk: Desk) -> None:
    desk.calcom.defects.delay = 2.0
    process = await desk.type("--org", desk.admin.org_id)
    async with asyncio.timeout(PATIENCE):
        while not desk.calcom.count:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)  # in which the command has found its run
        process.send_signal(signal.SIGINT)
        out, notes = await process.communicate()
        [run] = await desk.runs()
        assert (process.returncode, out) == (130, b"")
        assert f"The sync {run['id']} goes on" in notes.decode()
        while (run := (await desk.runs())[0])["status"] != "completed" or run["unanswered"]:
            await asyncio.sleep(0.1)
    assert run["synced"] == 3


async def test_a_sync_that_fails_is_told_with_its_reason(desk: Desk) -> None:
    desk.calcom.key = "cal_live_another_one"
    code, told, notes = await desk.typed()
    [run] = await desk.runs()
    assert (code, told) == (1, "")
    assert notes == f"slotwire: the sync {run['id']} failed, calcom_unauthorized: Cal.com refuses the API key (401)\n"


async def test_what_is_refused_is_told_and_no_sync_begins(desk: Desk, service: CalcomService) -> None:
    other = await service.caller()
    process = await desk.type("--org", other.org_id)
    _, notes = await process.communicate()
    assert (process.returncode, "not_found" in notes.decode()) == (1, True)
    code, _, refused = await desk.typed("--start", "soon")
    assert (code, "startDate" in refused) == (1, True)
    assert await desk.runs() == []


async def test_a_terminal_is_shown_how_far_it_is(desk: Desk) -> None:
    desk.calcom.defects.delay = 0.8
    screen = io.StringIO()
    key = desk.admin.headers["Authorization"].removeprefix("Bearer ")
    sync = Sync(Console(file=screen, force_terminal=True, width=120))
    async with api_at(desk.url, key) as api:
        run = await sync.watch(api, Wanted(desk.admin.org_id))
    assert "0 fetched, 0 of them new or changed, 0 of these taken over; 0 requests to Cal.com" in screen.getvalue()
    assert "4 fetched, 3 of them new or changed, 3 of these taken over; 2 requests to Cal.com" in screen.getvalue()
    assert (run, run["told"]) == (sync.run, 3)


async def test_a_sync_of_somebody_elses_is_not_taken_for_ones_own(desk: Desk) -> None:
    desk.calcom.defects.delay = 1.0
    body = {"organizationId": desk.admin.org_id}
    before = asyncio.create_task(desk.admin.post("/api/bookings/sync-calcom", body))
    while not await desk.runs():
        await asyncio.sleep(0.05)
    key = desk.admin.headers["Authorization"].removeprefix("Bearer ")
    async with api_at(desk.url, key) as api:
        run = await Sync(Console(file=io.StringIO())).watch(api, Wanted(desk.admin.org_id))
    assert next(one["id"] for one in await desk.runs()) == run["id"]
    assert (run["synced"], run["skipped"]) == (0, 2)
    await before


async def test_an_api_that_is_not_there_is_told() -> None:
    async with api_at("http://127.0.0.1:1", "unused") as api:
        with pytest.raises(RefusedError, match="runs"):
            await Sync(Console(file=io.StringIO())).watch(api, Wanted("org_1"))
