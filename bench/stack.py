"""The system under measurement: embedded servers with data of their own, the services as processes, a receiver.

Invariant: a service is started as it is in production, by `python -m booking serve`, with its own defaults but for the
network that webhooks may reach, the requests that a key may make, and what a measurement says.
"""

import asyncio
import base64
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from bench import child
from bench.plan import Plan
from bench.programs.receiver import host
from chassis.identity import Identity, KeyKind
from chassis.postgres import database_url
from devstack.ending import to_its_end
from devstack.ports import HOST, free_port
from devstack.servers import EmbeddedServers

SERVICES = ("booking", "webhook_dispatcher")
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """A running process of the system, and the port that it serves."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True)
class Receiver(Process):
    """A running receiver of webhooks."""

    def at(self, number: int) -> str:
        """Where it serves, by the number of a host, from 0 on."""
        return f"http://{host(number)}:{self.port}"


@dataclass(frozen=True)
class Tenant:
    """An organization and its key."""

    org_id: str
    key: str


@dataclass(frozen=True)
class Stack:
    """What a measurement runs on."""

    plan: Plan
    folder: Path
    servers: EmbeddedServers
    http: aiohttp.ClientSession

    @cached_property
    def env(self) -> dict[str, str]:
        """The services' environment."""
        return {
            **os.environ,
            "SLOTWIRE_POSTGRES_URL": self.servers.postgres_url,
            "SLOTWIRE_KAFKA_BOOTSTRAP": self.servers.kafka_bootstrap,
            "SLOTWIRE_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "SLOTWIRE_SERVICE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "SLOTWIRE_WEBHOOK_ALLOW_NETWORKS": '["127.0.0.0/8"]',
            "SLOTWIRE_WEBHOOK_ALLOW_HTTP": "true",
            "SLOTWIRE_RATE_LIMIT_PER_MINUTE": "0",
        }

    @property
    def server_pids(self) -> dict[str, int]:
        """The process of each server."""
        return {"postgres": self.servers.postgres.pid, "kafka": self.servers.kafka.pid}

    def log(self, name: str) -> Path:
        """Name the log of a process."""
        return self.folder / f"{name}.log"

    def url_of(self, database: str) -> str:
        """Name one database on the server."""
        return database_url(self.servers.postgres_url, database)

    @asynccontextmanager
    async def service(self, module: str, **settings: str) -> AsyncIterator[Process]:
        """Run a service for the block, with more settings if any; it begins when the service is ready."""
        port = free_port()
        env = {**self.env, **settings, "SLOTWIRE_PORT": str(port)}
        async with child.running(module, "serve", env=env, log=self.log(module)) as leashed:
            process = Process(leashed.pid, port)
            await until(lambda: self.answers(f"{process.url}/readyz"))
            yield process

    @asynccontextmanager
    async def receiver(self, hosts: int = 1) -> AsyncIterator[Receiver]:
        """Run a receiver for the block, at so many hosts."""
        port, log = free_port(), self.log("receiver")
        async with child.running("bench.programs.receiver", str(port), str(hosts), log=log) as leashed:
            process = Receiver(leashed.pid, port)
            await until(lambda: self.answers(f"{process.url}/count"))
            yield process

    async def arrived(self, receiver: Process) -> int:
        """Ask a receiver how many requests came since it was last emptied."""
        async with self.http.get(f"{receiver.url}/count") as answer:
            return int(await answer.text())

    async def take_arrivals(self, receiver: Process) -> list[tuple[str, int]]:
        """Empty a receiver: the resource of each request, and when it was there, in microseconds since 1970."""
        async with self.http.get(f"{receiver.url}/arrivals") as answer:
            return [(resource, at) for resource, at in await answer.json(content_type=None)]

    async def metric(self, process: Process, name: str) -> float:
        """Ask a service for a metric, added up over its labels."""
        async with self.http.get(f"{process.url}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)

    async def tenant(self) -> Tenant:
        """Make an organization with a key that may do everything."""
        (made,) = await self.tenants(1)
        return made

    async def tenants(self, count: int) -> list[Tenant]:
        """Make so many of them."""
        identity, database = Identity.on(self.servers.postgres_url)
        made = []
        async with database.opened():
            for _ in range(count):
                org_id = await identity.create_organization("Bench")
                created = await identity.create_key(org_id, KeyKind.ADMIN, ["*"], name="bench")
                made.append(Tenant(org_id, created.key))
        return made

    async def make(self, process: Process, tenant: Tenant, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create something over the API, and answer its data."""
        headers = {"Authorization": f"Bearer {tenant.key}"}
        async with self.http.post(process.url + path, json=body, headers=headers) as answer:
            content: dict[str, Any] = await answer.json()
            if not answer.ok:
                raise child.ChildError(f"POST {path}: {answer.status} {content}")
            made: dict[str, Any] = content["data"]
            return made

    async def value(self, database: str, query: str, *arguments: object) -> Any:
        """Ask a database for one value."""
        async with self.asking(database) as conn:
            return await conn.fetchval(query, *arguments)

    @asynccontextmanager
    async def asking(self, database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Connect to a database for the block."""
        conn = await asyncpg.connect(self.url_of(database))
        try:
            yield conn
        finally:
            await conn.close()

    async def tidy(self, *databases: str) -> None:
        """Vacuum and checkpoint, so that no round pays for what the one before it left."""
        for database in databases:
            await self.value(database, "VACUUM (ANALYZE)")
        await self.value("postgres", "CHECKPOINT")

    async def answers(self, url: str) -> bool:
        """Tell whether something answers there, and well."""
        try:
            async with self.http.get(url) as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running_stack(plan: Plan) -> AsyncIterator[Stack]:
    """Run the servers for the block, with the services' databases prepared."""
    with _folder() as folder:
        servers = EmbeddedServers(folder / "data")
        try:
            await to_its_end(servers.start)
            await _keep_commit_times(servers)
            async with aiohttp.ClientSession() as http:
                stack = Stack(plan, folder, servers, http)
                for module in SERVICES:
                    await child.run(module, "migrate", env=stack.env, log=stack.log(module))
                yield stack
        finally:
            await asyncio.to_thread(servers.stop)


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = _START_SECONDS) -> None:
    """Look again and again until something is so.

    Raises:
        ChildError: it is not so within that many seconds.
    """
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise child.ChildError(f"what a measurement waits for did not happen within {within:g} s")
        await asyncio.sleep(_LOOK_SECONDS)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="slotwire-bench-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as nobody and must pass it
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _keep_commit_times(servers: EmbeddedServers) -> None:
    """Have PostgreSQL keep each transaction's commit instant, which latency is measured from."""
    conn = await asyncpg.connect(servers.postgres_url)
    try:
        await conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    finally:
        await conn.close()
    await to_its_end(servers.postgres.stop)
    await to_its_end(servers.postgres.start)
