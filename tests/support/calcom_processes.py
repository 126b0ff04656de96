"""Cal.com sync and booking as processes that can be killed, behind the gateway; and organizations with a Cal.com."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from booking.settings import DATABASE as BOOKING
from calcom_sync.settings import DATABASE
from chassis.identity import Identity, KeyKind
from chassis.postgres import Database, database_url
from chassis.service import migrate
from devstack.gateway import create_gateway
from support.booking_service import Answer, Caller
from support.calcom import Life, StandIn, standin
from support.calcom_service import INTEGRATION
from support.servers import Servers
from support.system import ServiceProcess, service_environment
from support.waiting import eventually

SYNC = "/api/bookings/sync-calcom"
RUNS = f"{INTEGRATION}/runs"
LEASE_SECONDS = 1.0
SETTINGS = {
    "SLOTWIRE_CALCOM_ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "SLOTWIRE_CALCOM_ALLOW_HTTP": "true",
    "SLOTWIRE_CALCOM_PACE": "0",
    "SLOTWIRE_CALCOM_SYNCS": "50",
    "SLOTWIRE_CALCOM_LEASE": str(LEASE_SECONDS),
}


@dataclass(frozen=True)
class Office:
    """An organization that has a Cal.com, and an admin of it, who asks through the gateway.

    Attributes:
        secrets: what must be nowhere to be read.
    """

    calcom: StandIn
    admin: Caller
    schedule_id: str
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def life(self) -> Life:
        """What happens at Cal.com."""
        return self.calcom.life

    async def put(self, **fields: Any) -> Answer:
        """Set the integration; it does nothing by itself."""
        usual = {
            "api_key": self.calcom.key,
            "base_url": self.calcom.url,
            "default_schedule_id": self.schedule_id,
            "enabled": False,
        }
        return await self.admin.send("PUT", INTEGRATION, usual | fields)

    async def sync(self, **fields: Any) -> Answer:
        """Ask for a sync, and wait for its end."""
        return await self.admin.post(SYNC, {"organizationId": self.admin.org_id, **fields})

    async def runs(self) -> list[dict[str, Any]]:
        """All runs but those of webhooks, the oldest first."""
        return list(reversed((await self.admin.get(f"{RUNS}?limit=200")).body["data"]))

    async def listed(self) -> list[dict[str, Any]]:
        """All bookings."""
        found = await self.admin.get(f"/api/v1/bookings?schedule_id={self.schedule_id}&limit=200")
        assert not found.body["meta"]["hasMore"]
        return list(found.data)

    async def feed(self, booking_id: str) -> list[dict[str, Any]]:
        """All that was told of a booking."""
        return list((await self.admin.get(f"/v1/reservations/{booking_id}/events?limit=100")).data)


@dataclass(frozen=True)
class Processes:
    """Both services, the gateway before them, and their databases to look into."""

    servers: Servers
    booking: ServiceProcess
    calcom: ServiceProcess
    gateway: str
    identity: Identity
    http: aiohttp.ClientSession
    database: Database
    at_booking: Database

    async def start(self, process: ServiceProcess) -> None:
        """Start a process, and wait until it is ready."""
        await asyncio.to_thread(process.start)
        await eventually(process.ready)

    async def caller(self, org_id: str, kind: KeyKind = KeyKind.ADMIN) -> Caller:
        """Give somebody of an organization a key."""
        created = await self.identity.create_key(org_id, kind, frozenset({"*"}), name="tests")
        return Caller(org_id, self.gateway, self.http, {"Authorization": f"Bearer {created.key}"})

    @asynccontextmanager
    async def office(self, life: Life | None = None, **terms: Any) -> AsyncIterator[Office]:
        """A new organization with a Cal.com of its own for the block; by default an empty one of yesterday."""
        yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        admin = await self.caller(await self.identity.create_organization("Tests"))
        schedule_id = await admin.schedule(capacity=50)
        async with standin(life or Life(now=yesterday), key=f"cal_live_{admin.org_id}") as calcom:
            found = await Office(calcom, admin, schedule_id, ()).put(**terms)
            key = admin.headers["Authorization"].removeprefix("Bearer ")
            yield Office(calcom, admin, schedule_id, (key, calcom.key, found.data["webhook_secret"]))

    async def rows_of(self, org_id: str) -> list[Any]:
        """All that an organization has in the tables of the sync; but its runs, which are the record of what was."""
        async with self.database.connection() as conn:
            tables = await conn.fetch(
                "SELECT table_name AS name FROM information_schema.columns"
                " WHERE column_name = 'org_id' AND table_schema = 'public' AND table_name <> 'runs' ORDER BY name"
            )
            assert {"aliases", "chains", "integrations"} <= {one["name"] for one in tables}
            return [
                await conn.fetch(f"SELECT t::text FROM {one['name']} t WHERE org_id = $1 ORDER BY 1", org_id)
                for one in tables
            ]


@asynccontextmanager
async def running_processes(servers: Servers, logs: Path, **settings: str) -> AsyncIterator[Processes]:
    """Migrate the databases, run both and the gateway for the block, and end them."""
    env = service_environment(servers, **SETTINGS | settings)
    booking, calcom = (ServiceProcess(name, env, logs / f"{name}.log") for name in (BOOKING, DATABASE))
    async with AsyncExitStack() as stack:
        for process in (booking, calcom):
            await migrate(servers.postgres_url, process.module)
        database, at_booking = (
            Database(database_url(servers.postgres_url, name), pool_size=2, application="tests")
            for name in (DATABASE, BOOKING)
        )
        identity, keys = Identity.on(servers.postgres_url)
        for one in (database, at_booking, keys):
            await stack.enter_async_context(one.opened())
        services = {"booking": booking.url, "calcom-sync": calcom.url}
        gateway = await stack.enter_async_context(TestServer(create_gateway(services)))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        url = str(gateway.make_url("")).rstrip("/")
        running = Processes(servers, booking, calcom, url, identity, http, database, at_booking)
        for process in (booking, calcom):
            stack.push_async_callback(asyncio.to_thread, process.stop)
            await running.start(process)
        yield running
