"""The booking service over real HTTP, and organizations that use it."""

import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from booking.app import create_app
from booking.settings import DATABASE, Settings
from chassis.clock import Clock, utc_now
from chassis.identity import ORGANIZATION_HEADER, Identity, KeyKind
from chassis.service import migrate
from support.servers import Servers

TestServer.__test__ = False  # its name makes pytest take it for a test

SOON = (datetime.now(UTC) + timedelta(days=30)).replace(hour=10, minute=0, second=0, microsecond=0)
"""A time to book: some weeks ahead, on the hour."""


def text(instant: datetime) -> str:
    """An instant as callers write it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Answer:
    """What the service answered."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        """What is under `data`, of an answer that must be a success."""
        assert self.status in {200, 201}, self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        """The code of an answer that must be an error."""
        code: str = self.body["error"]["code"]
        return code


@dataclass(frozen=True)
class Caller:
    """Somebody with a key."""

    org_id: str
    base: str
    http: aiohttp.ClientSession
    headers: Mapping[str, str]

    async def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request, and read all of its answer."""
        async with self.http.request(
            method, self.base + path, json=body, headers={**self.headers, **(headers or {})}
        ) as response:
            return Answer(response.status, await response.json(content_type=None), response.headers)

    async def get(self, path: str) -> Answer:
        """GET a path."""
        return await self.send("GET", path)

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        """POST to a path; underscores in the names of headers stand for hyphens."""
        return await self.send("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    async def patch(self, path: str, body: Any, **headers: str) -> Answer:
        """PATCH a path, with headers as in `post`."""
        return await self.send("PATCH", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    async def delete(self, path: str) -> Answer:
        """DELETE a path."""
        return await self.send("DELETE", path)

    async def schedule(self, **fields: Any) -> str:
        """Make a schedule and answer its id."""
        made = await self.post("/api/v1/schedules", {"name": "Room", "timezone": "Europe/Berlin", **fields})
        return str(made.data["id"])

    async def event_type(self, **fields: Any) -> str:
        """Make an event type and answer its id."""
        made = await self.post("/api/v1/event-types", {"name": "Talk", "duration_minutes": 60, **fields})
        return str(made.data["id"])

    async def location(self, **fields: Any) -> str:
        """Make a location and answer its id."""
        made = await self.post("/api/v1/locations", {"name": "Bistro", "timezone": "America/New_York", **fields})
        return str(made.data["id"])

    async def table(self, location_id: str, seats: int, **fields: Any) -> str:
        """Make a table and answer its id."""
        body = {"location_id": location_id, "name": f"Table for {seats}", "max_party": seats, **fields}
        return str((await self.post("/api/v1/tables", body)).data["id"])

    async def hold(self, **fields: Any) -> Answer:
        """Try to hold an hour."""
        return await self.post("/api/v1/holds", a_visit_body(**fields))

    async def book(self, **fields: Any) -> Answer:
        """Try to book an hour."""
        return await self.post("/api/v1/bookings", a_body(**fields))


def a_visit_body(*, at: datetime = SOON, minutes: int = 60, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a hold; `at` and `minutes` give its times."""
    return {"start_time": text(at), "end_time": text(at + timedelta(minutes=minutes)), **fields}


def somebody() -> dict[str, str]:
    """An attendee who has booked nothing yet."""
    return {"name": "Ada", "email": f"ada-{secrets.token_hex(6)}@example.com"}


def a_body(*, at: datetime = SOON, minutes: int = 60, **fields: Any) -> dict[str, Any]:
    """The body of a POST for a booking by somebody new; `at` and `minutes` give its times."""
    return a_visit_body(at=at, minutes=minutes, **{"attendee": somebody(), **fields})


def a_key() -> SecretStr:
    """A key as the settings take it."""
    return SecretStr(base64.b64encode(secrets.token_bytes(32)).decode())


@dataclass(frozen=True)
class Service:
    """A running booking service."""

    base: str
    identity: Identity
    http: aiohttp.ClientSession
    settings: Settings

    async def caller(
        self,
        org_id: str | None = None,
        kind: KeyKind = KeyKind.STAFF,
        scopes: frozenset[str] = frozenset({"*"}),
        client_id: str | None = None,
    ) -> Caller:
        """Give somebody a key, in an organization of their own unless one is named."""
        org_id = org_id or await self.identity.create_organization("Test")
        created = await self.identity.create_key(org_id, kind, scopes, name="test", client_id=client_id)
        return Caller(org_id, self.base, self.http, {"Authorization": f"Bearer {created.key}"})

    async def client(self, org_id: str, client_id: str) -> Caller:
        """Give a client a key."""
        return await self.caller(
            org_id, KeyKind.CLIENT, frozenset({"bookings.read", "bookings.manage"}), client_id=client_id
        )

    def waitlist(self, org_id: str) -> Caller:
        """Call as our other services do, for an organization."""
        if self.settings.service_key is None:
            raise AssertionError("the service runs without a service key")
        key = self.settings.service_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}", ORGANIZATION_HEADER: org_id}
        return Caller(org_id, self.base, self.http, headers)


@asynccontextmanager
async def running_service(servers: Servers, clock: Clock = utc_now, **more: Any) -> AsyncIterator[Service]:
    """The service on a free port, with its databases migrated; `more` are settings."""
    settings = Settings(
        postgres_url=servers.postgres_url,
        kafka_bootstrap=servers.kafka_bootstrap,
        secret_key=a_key(),
        service_key=a_key(),
        **more,
    )
    await migrate(settings.postgres_url, DATABASE)
    identity, keys = Identity.on(settings.postgres_url)
    async with (
        TestServer(create_app(settings, clock)) as server,
        keys.opened(),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        yield Service(str(server.make_url("")).rstrip("/"), identity, http, settings)
