"""Booking and the waitlist as processes that can be killed, with a gate between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from booking.settings import DATABASE as BOOKING
from chassis.postgres import Database, database_url
from chassis.service import migrate
from slotwire_contracts import WAITLIST_EVENTS, AnyEvent, decode
from support.booking_service import Caller
from support.gate import Gate, running_gate
from support.servers import Servers
from support.system import ServiceProcess, new_tenant, service_environment
from support.topics import read_topic
from support.waiting import all_told, eventually
from support.waitlist_service import Guest
from waitlist.settings import DATABASE


@dataclass(frozen=True)
class Processes:
    """Both services, the gate by which the waitlist asks booking, and their databases to look into."""

    servers: Servers
    booking: ServiceProcess
    waitlist: ServiceProcess
    gate: Gate
    http: aiohttp.ClientSession
    database: Database
    at_booking: Database

    async def staff(self) -> Guest:
        """Give staff of a new organization a key."""
        tenant = await new_tenant(self.servers)
        waitlist, booking = (
            Caller(tenant.org_id, process.url, self.http, tenant.headers) for process in (self.waitlist, self.booking)
        )
        return Guest(waitlist, booking)

    async def start(self, process: ServiceProcess) -> None:
        """Start a process, and wait until it is ready."""
        await asyncio.to_thread(process.start)
        await eventually(process.ready)

    async def told(self, entry_id: str) -> list[AnyEvent]:
        """Answer what the topic tells of an entry: all that has happened to it, each event once.

        Raises:
            TimeoutError: when it does not within a minute.
        """
        async with self.database.connection() as conn:
            last = await conn.fetchval("SELECT sequence FROM entries WHERE id = $1", entry_id)
        await all_told(self.database)
        records = await read_topic(self.servers.kafka_bootstrap, WAITLIST_EVENTS.name)
        events = [decode(record.value) for record in records if record.key == entry_id.encode()]
        found = list({event.id: event for event in events}.values())
        assert [event.sequence for event in found] == list(range(1, len(found) + 1))
        assert len(found) >= last
        return found


@asynccontextmanager
async def running_processes(servers: Servers, logs: Path) -> AsyncIterator[Processes]:
    """Migrate the databases, run both for the block, and end them."""
    env = service_environment(servers)
    booking = ServiceProcess(BOOKING, env, logs / "booking.log")
    async with AsyncExitStack() as stack:
        gate = await stack.enter_async_context(running_gate(lambda: booking.url))
        # What is stopped at the gate is to stay there until the test lets it go, and to leave room for what is yet to
        # come there: eight at once would be too few. And no sweep is to be what helps.
        env |= {"SLOTWIRE_BOOKING_URL": gate.url, "SLOTWIRE_BOOKING_TIMEOUT": "15"}
        env |= {"SLOTWIRE_WAITLIST_MATCHES": "32", "SLOTWIRE_WAITLIST_SWEEP": "3600"}
        waitlist = ServiceProcess(DATABASE, env, logs / "waitlist.log")
        database, at_booking = (
            Database(database_url(servers.postgres_url, name), pool_size=2, application="tests")
            for name in (DATABASE, BOOKING)
        )
        for process in (booking, waitlist):
            await migrate(servers.postgres_url, process.module)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)))
        for one in (database, at_booking):
            await stack.enter_async_context(one.opened())
        running = Processes(servers, booking, waitlist, gate, http, database, at_booking)
        for process in (booking, waitlist):
            stack.push_async_callback(asyncio.to_thread, process.stop)
            await running.start(process)
        yield running
