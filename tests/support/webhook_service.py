"""The dispatcher over real HTTP and Kafka, and organizations that use it."""

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from chassis.identity import Identity, KeyKind
from chassis.postgres import Database, database_url
from chassis.service import migrate
from slotwire_contracts import BOOKING_EVENTS, ReservationEvent, encode, record_key
from support.booking_service import Caller
from support.dispatcher import LOOPBACK
from support.servers import Servers
from support.topics import write_topic
from support.waiting import eventually
from webhook_dispatcher.app import create_app
from webhook_dispatcher.settings import DATABASE, Settings

TestServer.__test__ = False  # its name makes pytest take it for a test

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"


@dataclass(frozen=True)
class WebhookService:
    """A running dispatcher, with its database to look into."""

    base: str
    identity: Identity
    http: aiohttp.ClientSession
    settings: Settings
    database: Database

    async def caller(self, scopes: frozenset[str] = frozenset({"*"}), org_id: str | None = None) -> Caller:
        """Give somebody a key, in an organization of their own unless one is named."""
        org_id = org_id or await self.identity.create_organization("Test")
        created = await self.identity.create_key(org_id, KeyKind.ADMIN, scopes, name="test")
        return Caller(org_id, self.base, self.http, {"Authorization": f"Bearer {created.key}"})

    async def is_ready(self) -> bool:
        """Tell whether all that the service needs answers."""
        async with self.http.get(f"{self.base}/readyz") as response:
            return response.ok

    async def publish(self, *events: ReservationEvent) -> None:
        """Write events to their topic."""
        records = [(record_key(event), encode(event)) for event in events]
        await write_topic(self.settings.kafka_bootstrap, BOOKING_EVENTS.name, records)


@asynccontextmanager
async def running_webhook_service(
    servers: Servers, *, allow_http: bool = True, **more: object
) -> AsyncIterator[WebhookService]:
    """The service on a free port, with its databases migrated; `more` are settings."""
    given = {
        "postgres_url": servers.postgres_url,
        "kafka_bootstrap": servers.kafka_bootstrap,
        "secret_key": SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()),
        "webhook_allow_networks": LOOPBACK,
        "webhook_allow_http": allow_http,
        "webhook_timeout": 5.0,
        "webhook_lease_margin": 1.0,
        **more,
    }
    settings = Settings.model_validate(given)
    await migrate(settings.postgres_url, DATABASE)
    callers, keys = Identity.on(settings.postgres_url)
    url = database_url(settings.postgres_url, DATABASE)
    async with (
        TestServer(create_app(settings)) as server,
        keys.opened(),
        Database(url, pool_size=2, application="tests").opened() as database,
        aiohttp.ClientSession() as http,
    ):
        service = WebhookService(str(server.make_url("")).rstrip("/"), callers, http, settings, database)
        await eventually(service.is_ready)
        yield service
