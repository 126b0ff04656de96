"""Cal.com sync over real HTTP, and organizations that use it."""

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from calcom_sync.app import create_app
from calcom_sync.domain.run import RunKind
from calcom_sync.service.runs import Runs
from calcom_sync.settings import DATABASE, Settings
from chassis.clock import Clock, utc_now
from chassis.identity import Identity, KeyKind
from chassis.ids import Ids, new_id, next_id
from chassis.postgres import Database, database_url
from chassis.service import migrate
from support.booking_service import Caller
from support.dispatcher import LOOPBACK
from support.servers import Servers

INTEGRATION = "/api/v1/integrations/calcom"
API_KEY = "cal_live_0123456789abcdef"

TestServer.__test__ = False  # its name makes pytest take it for a test


@dataclass(frozen=True)
class CalcomService:
    """A running service, with its database to look into."""

    base: str
    identity: Identity
    http: aiohttp.ClientSession
    settings: Settings
    database: Database

    async def caller(
        self,
        org_id: str | None = None,
        kind: KeyKind = KeyKind.ADMIN,
        scopes: frozenset[str] = frozenset({"*"}),
    ) -> Caller:
        """Give somebody a key, in an organization of their own unless one is named."""
        org_id = org_id or await self.identity.create_organization("Test")
        created = await self.identity.create_key(org_id, kind, scopes, name="test")
        return Caller(org_id, self.base, self.http, {"Authorization": f"Bearer {created.key}"})


@asynccontextmanager
async def running_calcom_service(
    servers: Servers, clock: Clock = utc_now, **more: object
) -> AsyncIterator[CalcomService]:
    """The service on a free port, with its databases migrated; `more` are settings."""
    given = {
        "postgres_url": servers.postgres_url,
        "kafka_bootstrap": servers.kafka_bootstrap,
        "secret_key": SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()),
        "calcom_allow_networks": LOOPBACK,
        "calcom_allow_http": True,
        "calcom_pace": 0.0,
        "calcom_look": 3600.0,  # a test that wants what comes by itself says so
        **more,
    }
    settings = Settings.model_validate(given)
    await migrate(settings.postgres_url, DATABASE)
    callers, keys = Identity.on(settings.postgres_url)
    url = database_url(settings.postgres_url, DATABASE)
    async with (
        TestServer(create_app(settings, clock)) as server,
        keys.opened(),
        Database(url, pool_size=2, application="tests").opened() as database,
        aiohttp.ClientSession() as http,
    ):
        yield CalcomService(str(server.make_url("")).rstrip("/"), callers, http, settings, database)


async def a_run(database: Database, org_id: str) -> str:
    """Ask for a sync of an organization, and answer the run's id."""
    runs = Runs(database, utc_now, Ids(new_id, next_id), lambda: None)
    return (await runs.ask(org_id, RunKind.MANUAL)).id
