"""The whole system as processes that can be killed: services on the test servers, an organization, a key, a client."""

import asyncio
import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from chassis.identity import Identity, KeyKind
from chassis.service import migrate
from devstack.ports import HOST, free_port
from devstack.process import Command, Leashed
from support.servers import Servers
from support.waiting import eventually


class ServiceProcess:
    """One process of a service, on a port of its own; on the one that is given, if any is."""

    def __init__(self, module: str, env: Mapping[str, str], log: Path, port: int | None = None) -> None:
        self.module = module
        self.port = port or free_port()
        self._command = Command(
            argv=[sys.executable, "-m", module, "serve"], env={**env, "SLOTWIRE_PORT": str(self.port)}
        )
        self.log = log
        self._process: Leashed | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.running

    @property
    def told(self) -> str:
        """All that it has logged, over all of its lives."""
        return self.log.read_text()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = Leashed.start(self._command, log.fileno())

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    async def ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False


@dataclass
class Tenant:
    """An organization with a key that may do everything."""

    org_id: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class System:
    """Running services; the first of each kind answers `call`."""

    servers: Servers
    booking: list[ServiceProcess]
    dispatcher: list[ServiceProcess]
    tenant: Tenant
    session: aiohttp.ClientSession
    logs: Path
    processes: list[ServiceProcess] = field(init=False)

    def __post_init__(self) -> None:
        self.processes = [*self.booking, *self.dispatcher]

    def base(self, path: str) -> str:
        """The URL of the service that owns a path."""
        return (self.dispatcher if path.startswith("/api/v1/webhooks") else self.booking)[0].url

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Make one request with the tenant's key; the status and the JSON of the answer."""
        told = {**self.tenant.headers, **(headers or {})}
        async with self.session.request(method, self.base(path) + path, json=body, headers=told) as answer:
            return answer.status, await answer.json()

    async def made(self, path: str, body: Any) -> Any:
        """Create something and answer its data."""
        status, answer = await self.call("POST", path, body)
        assert status == 201, answer
        return answer["data"]


def service_environment(servers: Servers, **more: str) -> dict[str, str]:
    """What services on the test servers are told: webhooks may go to loopback; keys have no limit."""
    return {
        **os.environ,
        "SLOTWIRE_POSTGRES_URL": servers.postgres_url,
        "SLOTWIRE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "SLOTWIRE_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SLOTWIRE_SERVICE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SLOTWIRE_HOST": HOST,
        "SLOTWIRE_LOG_LEVEL": "info",
        "SLOTWIRE_WEBHOOK_ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "SLOTWIRE_WEBHOOK_ALLOW_HTTP": "true",
        "SLOTWIRE_RATE_LIMIT_PER_MINUTE": "0",
        **more,
    }


async def new_tenant(servers: Servers) -> Tenant:
    """Make an organization and its key; the identity database must be migrated."""
    identity, database = Identity.on(servers.postgres_url)
    async with database.opened():
        org_id = await identity.create_organization("Tests")
        created = await identity.create_key(org_id, KeyKind.ADMIN, ["*"], name="tests")
    return Tenant(org_id, created.key)


@asynccontextmanager
async def running_system(
    servers: Servers, logs: Path, *, booking: int = 1, dispatcher: int = 1, **settings: str
) -> AsyncIterator[System]:
    """Migrate the databases, run the services for the block, and end them."""
    env = service_environment(servers, **settings)
    processes = {
        module: [ServiceProcess(module, env, logs / f"{module}-{number}.log") for number in range(count)]
        for module, count in (("booking", booking), ("webhook_dispatcher", dispatcher))
    }
    for module, wanted in processes.items():
        if wanted:
            await migrate(servers.postgres_url, module)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        system = System(
            servers,
            processes["booking"],
            processes["webhook_dispatcher"],
            await new_tenant(servers),
            session,
            logs,
        )
        for process in system.processes:
            stack.push_async_callback(asyncio.to_thread, process.stop)
            await asyncio.to_thread(process.start)
        for process in system.processes:
            await eventually(process.ready)
        yield system
