"""The supervisor: servers, services and gateway of one clone, brought up in order and taken down in reverse.

Invariants: one supervisor a folder; when it ends, in whatever way, nothing it started is left; the env file exists only
while everything behind it serves.
"""

import asyncio
import fcntl
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from rich.markup import escape

from devstack.bringing_up import UpError, migrate, wait_until_ready
from devstack.ending import end_on_signals, to_its_end
from devstack.envfile import write_env
from devstack.folder import Folder
from devstack.gateway import create_gateway
from devstack.given import Given
from devstack.ports import HOST, is_free, kept_ports
from devstack.record import identity_of, write_atomically, write_record
from devstack.screen import Screen
from devstack.server import Server, ServerError
from devstack.servers import EmbeddedServers
from devstack.services import SERVICES, Service, ServiceProcess
from devstack.summary import Running, summary, url_variables
from devstack.tenant import ensure_tenant

DEFAULT_PORT = 8080
WATCH_INTERVAL = 0.5  # seconds


@dataclass(frozen=True)
class Options:
    """What to bring up: where its folder is, on which port, with which servers and services."""

    folder: Folder
    port: int | None = None
    given: Given = field(default_factory=Given)
    services: Sequence[Service] = SERVICES


class Supervisor:
    """Brings one stack up, keeps it up until SIGINT or SIGTERM, and takes it down."""

    def __init__(self, options: Options, screen: Screen) -> None:
        self._options = options
        self._folder = options.folder
        self._screen = screen
        self._processes: list[ServiceProcess] = []
        self._servers: EmbeddedServers | None = None

    async def run(self) -> None:
        """Bring everything up, say so, and stay until told to end.

        Raises:
            UpError: something did not come up, or this folder's stack is up already; nothing is left running.
            ServerError: as above, for PostgreSQL or Kafka.
            FetchError: as above, for Kafka's jars.
        """
        staying = asyncio.create_task(self._stay_up())
        ending = end_on_signals(staying)
        try:
            await staying
        except asyncio.CancelledError:
            if not ending.is_set():
                raise
        self._screen.say("Slotwire is down.")

    async def _stay_up(self) -> None:
        began = time.monotonic()
        with _owned(self._folder):
            async with AsyncExitStack() as stack:
                running = await self._bring_up(stack)
                stack.callback(self._folder.env.unlink, missing_ok=True)
                write_env(self._folder.env, running.env())
                told = summary(running, self._folder)
                write_atomically(self._folder.summary, told)
                write_record(self._folder.supervisor, os.getpid(), ready=True)
                self._screen.say(f"\n[bold green]Slotwire is up[/] after {time.monotonic() - began:.1f} s\n{told}")
                stack.callback(self._screen.say, "Slotwire is going down …")
                await self._keep_servers()

    async def _bring_up(self, stack: AsyncExitStack) -> Running:
        ports = self._ports()
        # Taken at once, long before it serves, so that no other starting stack takes the same port meanwhile.
        door = stack.enter_context(socket.create_server((HOST, ports["gateway"])))
        self._servers = await stack.enter_async_context(self._embedded())
        urls = {service.name: f"http://{HOST}:{ports[service.name]}" for service in self._options.services}
        url = f"http://{HOST}:{ports['gateway']}"
        env = self._service_env(self._servers, urls, url)
        with self._screen.step("Preparing the databases …"):
            await asyncio.gather(*(migrate(service, env) for service in self._options.services))
        await stack.enter_async_context(self._serving(env, ports))
        await stack.enter_async_context(_gateway(urls, door))
        with self._screen.step("Preparing the demo organization …"):
            tenant = await ensure_tenant(self._folder, url, self._servers.postgres_url)
        servers = self._servers
        return Running(url, tenant, servers.postgres_url, servers.kafka_bootstrap, urls, servers.postgres.programs)

    def _ports(self) -> dict[str, int]:
        wanted = self._options.port
        if wanted is not None and not is_free(wanted):
            raise UpError(f"port {wanted} is in use")
        ports = kept_ports(
            self._folder.ports, {"gateway": DEFAULT_PORT} | {service.name: None for service in self._options.services}
        )
        return ports if wanted is None else ports | {"gateway": wanted}

    @asynccontextmanager
    async def _embedded(self) -> AsyncIterator[EmbeddedServers]:
        given = self._options.given
        servers = EmbeddedServers(
            self._folder.data,
            self._screen.fetching,
            given_postgres_url=given.postgres_url,
            given_kafka_bootstrap=given.kafka_bootstrap,
        )
        try:
            with self._screen.step("Starting PostgreSQL and Kafka …"):
                await to_its_end(servers.start)
            yield servers
        finally:
            await asyncio.to_thread(servers.stop)

    @asynccontextmanager
    async def _serving(self, env: Mapping[str, str], ports: Mapping[str, int]) -> AsyncIterator[None]:
        """Keep every service running for the block; it begins when all are ready."""
        self._processes = [
            ServiceProcess(
                service, {**env, "SLOTWIRE_PORT": str(ports[service.name])}, self._screen, self._write_processes
            )
            for service in self._options.services
        ]
        running = [asyncio.create_task(process.keep_running()) for process in self._processes]
        try:
            with self._screen.step("Starting the services …"):
                await asyncio.gather(
                    *(wait_until_ready(process, ports[process.service.name]) for process in self._processes)
                )
            yield
        finally:
            await asyncio.gather(*(process.stop() for process in self._processes))
            await asyncio.gather(*running)
            self._folder.processes.unlink(missing_ok=True)

    async def _keep_servers(self) -> None:
        """Start an embedded server that died again, for ever; the services wait for it and need no restart."""
        while self._servers is not None:
            await asyncio.sleep(WATCH_INTERVAL)
            for server in self._servers.ours():
                if not server.running:
                    await self._start_again(server)

    async def _start_again(self, server: Server) -> None:
        self._screen.say(f"{server.name} ended; it is started again")
        try:
            await to_its_end(server.start)
        except ServerError as error:
            self._screen.say(f"[red]{escape(str(error))}[/]")
        self._write_processes()

    def _write_processes(self) -> None:
        pids = {process.service.name: process.pid for process in self._processes if process.pid is not None}
        if self._servers is not None:
            pids |= {server.name.lower(): server.pid for server in self._servers.ours()}
        identities = {name: identity_of(pid) for name, pid in pids.items()}
        running = {name: identity for name, identity in identities.items() if identity is not None}
        write_atomically(self._folder.processes, json.dumps(running))

    def _service_env(self, servers: EmbeddedServers, urls: Mapping[str, str], public_url: str) -> dict[str, str]:
        return {
            "SLOTWIRE_PUBLIC_URL": public_url,
            **os.environ,  # which may tell another address, where the stack is reached by one
            **url_variables(urls),
            "SLOTWIRE_POSTGRES_URL": servers.postgres_url,
            "SLOTWIRE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
            "SLOTWIRE_SECRET_KEY": self._folder.secret_key(),
            "SLOTWIRE_SERVICE_KEY": self._folder.service_key(),
            "SLOTWIRE_HOST": HOST,
            "SLOTWIRE_LOG_FORMAT": "console",
            "SLOTWIRE_WEBHOOK_ALLOW_NETWORKS": '["127.0.0.0/8", "::1/128"]',
            "SLOTWIRE_WEBHOOK_ALLOW_HTTP": "true",
            "SLOTWIRE_CALCOM_ALLOW_NETWORKS": '["127.0.0.0/8", "::1/128"]',
            "SLOTWIRE_CALCOM_ALLOW_HTTP": "true",
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def _owned(folder: Folder) -> Iterator[None]:
    """Be the folder's one supervisor for the block."""
    folder.make()
    with folder.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpError(f"the stack of {folder.root} is up already") from None
        folder.env.unlink(missing_ok=True)  # a killed predecessor could not
        write_record(folder.supervisor, os.getpid(), ready=False)
        try:
            yield
        finally:
            folder.supervisor.unlink(missing_ok=True)


@asynccontextmanager
async def _gateway(urls: Mapping[str, str], door: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(create_gateway(urls), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        yield
    finally:
        await runner.cleanup()
