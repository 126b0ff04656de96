"""The waitlist service beside a booking service, over real HTTP, and organizations that use both."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from booking.settings import DATABASE as BOOKING
from chassis.clock import Clock, utc_now
from chassis.identity import KeyKind
from chassis.postgres import Database, database_url
from chassis.service import migrate
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS, AnyEvent, decode
from support.booking_service import SOON, Answer, Caller, Service, text
from support.event_instances import add_instance, registered
from support.reference_data import made
from support.servers import Servers
from support.topics import caught_up, read_topic
from support.waiting import all_told
from waitlist.app import create_app
from waitlist.settings import DATABASE, Settings
from waitlist.stream import GROUP

TestServer.__test__ = False  # its name makes pytest take it for a test

PATH = "/api/v1/waitlist"
EVENTS = "/platform/v1/scheduling/waitlist"
SCOPES = frozenset({"booking_waitlist.read", "booking_waitlist.manage"})
DATE = SOON.date().isoformat()
"""A date to wait for: some weeks ahead."""


@dataclass(frozen=True)
class Guest:
    """Somebody with a key of the waitlist, and with one of booking."""

    waitlist: Caller
    booking: Caller
    client_id: str | None = None

    @property
    def org_id(self) -> str:
        """The organization."""
        return self.waitlist.org_id

    async def join(self, **fields: Any) -> Answer:
        """Try to put somebody on the waitlist of a location."""
        return await self.waitlist.post(PATH, {"requestedDate": DATE, **fields})

    async def joined(self, **fields: Any) -> dict[str, Any]:
        """Put somebody new on the waitlist of a location, and answer the entry."""
        return dict((await self.join(**{"contact": somebody(), **fields})).data)

    async def join_event(self, **fields: Any) -> Answer:
        """Try to put somebody on the waitlist of an event, as seed 002 says."""
        return await self.waitlist.post(EVENTS, {"business_id": self.org_id, **fields})

    async def leave_event(self, **fields: Any) -> Answer:
        """Try to take somebody off the waitlist of an event."""
        return await self.waitlist.send("PUT", f"{EVENTS}/cancel", {"business_uid": self.org_id, **fields})

    async def location(self, **fields: Any) -> str:
        """Make a location in New York and answer its id."""
        return await self.booking.location(**fields)

    async def client(self, **fields: Any) -> str:
        """Make a client and answer its id."""
        return await made(self.booking, "clients", email=f"ada-{secrets.token_hex(6)}@example.com", **fields)

    async def full_instance(self, spots: int = 1, **fields: Any) -> dict[str, Any]:
        """Make an event instance and take all of its spots."""
        instance = await add_instance(self.booking, max_attendance=spots, **fields)
        await registered(self.booking, instance["uid"], party_size=spots)
        return instance


def somebody() -> dict[str, str]:
    """A contact who waits nowhere yet."""
    return {"name": "Ada", "email": f"ada-{secrets.token_hex(6)}@example.com"}


@dataclass(frozen=True)
class WaitlistService:
    """A running waitlist service, the booking service that it asks, and its database to look into."""

    base: str
    booking: Service
    http: aiohttp.ClientSession
    settings: Settings
    database: Database

    async def caller(
        self,
        org_id: str | None = None,
        kind: KeyKind = KeyKind.STAFF,
        scopes: frozenset[str] = frozenset({"*"}),
        client_id: str | None = None,
    ) -> Caller:
        """Give somebody a key, in an organization of their own unless one is named."""
        known = await self.booking.caller(org_id, kind, scopes, client_id)
        return Caller(known.org_id, self.base, self.http, known.headers)

    async def staff(self, org_id: str | None = None) -> Guest:
        """Give staff a key of everything, in an organization of their own unless one is named."""
        booking = await self.booking.caller(org_id)
        return Guest(Caller(booking.org_id, self.base, self.http, booking.headers), booking)

    async def client(self, staff: Guest) -> Guest:
        """Make a client of an organization, with a key."""
        client_id = await staff.client()
        key = await self.caller(staff.org_id, KeyKind.CLIENT, SCOPES, client_id)
        return Guest(key, staff.booking, client_id)

    async def told(self, entry_id: str) -> list[AnyEvent]:
        """Answer what the topic tells of an entry: all that has happened to it.

        Raises:
            TimeoutError: when it does not within a minute.
        """
        async with self.database.connection() as conn:
            last = await conn.fetchval("SELECT sequence FROM entries WHERE id = $1", entry_id)
        await all_told(self.database)
        records = await read_topic(self.settings.kafka_bootstrap, WAITLIST_EVENTS.name)
        events = [decode(record.value) for record in records if record.key == entry_id.encode()]
        assert events[-1].sequence >= last
        return events

    async def heard_all(self) -> None:
        """Wait until all that booking has to tell is heard, and not to be heard again, whoever joins the group."""
        url = database_url(self.settings.postgres_url, BOOKING)
        async with Database(url, pool_size=1, application="tests").opened() as at_booking:
            await all_told(at_booking)
        await caught_up(self.settings.kafka_bootstrap, GROUP, BOOKING_EVENTS)


def days_ahead(days: int) -> str:
    """A date so many days after the one to wait for."""
    return (SOON + timedelta(days=days)).date().isoformat()


def instant(**later: float) -> str:
    """An instant that much after the time to book."""
    return text(SOON + timedelta(**later))


@asynccontextmanager
async def running_waitlist(
    servers: Servers, booking: Service, clock: Clock = utc_now, **more: Any
) -> AsyncIterator[WaitlistService]:
    """The service on a free port beside a booking service, with its databases migrated; `more` are settings."""
    given = {
        "postgres_url": servers.postgres_url,
        "kafka_bootstrap": servers.kafka_bootstrap,
        "secret_key": booking.settings.secret_key,
        "service_key": booking.settings.service_key,
        "booking_url": booking.base,
        **more,
    }
    settings = Settings.model_validate(given)
    await migrate(settings.postgres_url, DATABASE)
    url = database_url(settings.postgres_url, DATABASE)
    async with (
        TestServer(create_app(settings, clock)) as server,
        Database(url, pool_size=2, application="tests").opened() as database,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        yield WaitlistService(str(server.make_url("")).rstrip("/"), booking, http, settings, database)
