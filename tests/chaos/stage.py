"""The whole system of a run: servers, processes of all services, and a way for each connection between them.

Invariant: every process has its own way to PostgreSQL and to Kafka, so that a fault of a way is a fault of one process;
a part whose lock is held is in the hands of a fault, and nobody else's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from chaos.plan import Targets
from chaos.servers import Door, chaos_servers
from chaos.ways import Way
from devstack.ports import free_port
from devstack.server import Server
from devstack.servers import EmbeddedServers
from slotwire_contracts import TOPICS, WEBHOOK_ATTEMPTS, public_topics
from support.calcom_processes import SETTINGS as CALCOM_SETTINGS
from support.system import ServiceProcess, migrate, service_environment
from support.waiting import eventually

COUNTS = {"booking": 2, "waitlist": 1, "webhook_dispatcher": 2, "calcom_sync": 1}
"""How many processes there are of each service."""

GROUPS = {
    "webhook-dispatcher": tuple(topic.name for topic in public_topics()),
    "booking": ("calcom.bookings",),
    "calcom-sync": ("calcom.results",),
}
"""What is read by the consumer groups that a stranger may join."""

READ = {**GROUPS, "waitlist-matching": ("booking.events",), "webhook-health": ("webhook.attempts",)}
"""What is read by all."""

SETTINGS = {
    "SLOTWIRE_POOL_SIZE": "6",
    "SLOTWIRE_DRAIN_SECONDS": "2",
    "SLOTWIRE_WEBHOOK_TIMEOUT": "2",
    "SLOTWIRE_WEBHOOK_LEASE_MARGIN": "2",
    "SLOTWIRE_BOOKING_TIMEOUT": "2",
    "SLOTWIRE_WAITLIST_LEASE": "3",
    "SLOTWIRE_WAITLIST_SWEEP": "5",
    **CALCOM_SETTINGS,
    "SLOTWIRE_CALCOM_LEASE": "3",
    "SLOTWIRE_CALCOM_TIMEOUT": "3",
    "SLOTWIRE_CALCOM_PATIENCE": "10",
}
"""What shortens everything that a service waits for, so that a run settles in well under a minute."""


class Process(Protocol):
    """A process that faults are done to. Blocking."""

    @property
    def pid(self) -> int: ...

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


@dataclass
class Part:
    """A process of a service, or a server.

    Attributes:
        service: the process of a service; None of a server, which serves as soon as it has started.
        lock: held by whoever does something to it.
    """

    name: str
    process: Process
    log: Path
    service: ServiceProcess | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start it; a server serves then."""
        await asyncio.to_thread(self.process.start)

    async def is_well(self) -> bool:
        """Tell whether it does its work."""
        return self.process.running and (self.service is None or await self.service.ready())


@dataclass(frozen=True)
class Stage:
    """What a run takes place on.

    Attributes:
        doors: where clients find each service.
    """

    servers: EmbeddedServers
    parts: Mapping[str, Part]
    ways: Mapping[str, Way]
    doors: Mapping[str, str]

    @property
    def targets(self) -> Targets:
        """What faults may be done to."""
        return Targets(
            processes=[name for name, part in self.parts.items() if part.service is not None],
            servers=[name for name, part in self.parts.items() if part.service is None],
            ways=list(self.ways),
            topics=[*(topic.name for topic in TOPICS), WEBHOOK_ATTEMPTS.name],
            groups=list(GROUPS),
        )


def process_names() -> Iterator[tuple[str, str]]:
    """Tell of each process its name and its service."""
    for service, count in COUNTS.items():
        for number in range(count):
            yield f"{service}-{number}", service


@asynccontextmanager
async def running_stage(logs: Path, extra_ways: Sequence[Way]) -> AsyncIterator[Stage]:
    """Everything running and ready, for the block.

    Args:
        logs: a folder for what the processes write.
        extra_ways: the ways that lead out of the system; they are opened beside the others.
    """
    names = dict(process_names())
    at_kafka = {name: free_port() for name in names}
    to_kafka = {name: Way(f"{name}>kafka", lambda port=port: [port]) for name, port in at_kafka.items()}
    doors = {_door(name): Door(at_kafka[name], way.port) for name, way in to_kafka.items()}
    async with AsyncExitStack() as stack:
        manager = chaos_servers(doors)
        servers = await asyncio.to_thread(manager.__enter__)
        stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)
        at_postgres = urlsplit(servers.postgres_url).port or 0
        to_postgres = {name: Way(f"{name}>postgres", lambda: [at_postgres]) for name in names}
        services: dict[str, ServiceProcess] = {}
        between = {"clients": _ways_of("clients", services), "waitlist": _ways_of("waitlist-0", services)}
        ways = [*to_kafka.values(), *to_postgres.values(), *between["clients"].values(), between["waitlist"]["booking"]]
        for way in (*ways, *extra_ways):
            await stack.enter_async_context(way.opened())
        env = service_environment(servers, **SETTINGS, SLOTWIRE_BOOKING_URL=_url(between["waitlist"]["booking"]))
        await asyncio.gather(*(migrate(service, env) for service in COUNTS))
        for name, service in names.items():
            own = {
                "SLOTWIRE_POSTGRES_URL": _by(servers.postgres_url, to_postgres[name]),
                "SLOTWIRE_KAFKA_BOOTSTRAP": to_kafka[name].address,
            }
            services[name] = ServiceProcess(service, env | own, logs / f"{name}.log")
        parts = _parts(servers, services)
        for one in services.values():
            stack.push_async_callback(asyncio.to_thread, one.stop)
            await asyncio.to_thread(one.start)
        for one in services.values():
            await eventually(one.ready)
        clients = {service: _url(way) for service, way in between["clients"].items()}
        yield Stage(servers, parts, {way.name: way for way in (*ways, *extra_ways)}, clients)


def _parts(servers: EmbeddedServers, services: Mapping[str, ServiceProcess]) -> dict[str, Part]:
    embedded: dict[str, Server] = {"kafka": servers.kafka, "postgres": servers.postgres}
    return {
        **{name: Part(name, one, one.log, one) for name, one in services.items()},
        **{name: Part(name, one, one.log) for name, one in embedded.items()},
    }


def _ways_of(who: str, services: Mapping[str, ServiceProcess]) -> dict[str, Way]:
    """Ways to each service; one leads to any of its processes, as a load balancer does."""

    def ends(service: str) -> Sequence[int]:
        return [one.port for one in services.values() if one.module == service]

    return {service: Way(f"{who}>{service}", lambda service=service: ends(service)) for service in COUNTS}


def _door(name: str) -> str:
    return name.upper().replace("-", "").replace("_", "")


def _url(way: Way) -> str:
    return f"http://{way.address}"


def _by(postgres_url: str, way: Way) -> str:
    split = urlsplit(postgres_url)
    return split._replace(netloc=f"{split.netloc.rpartition('@')[0]}@{way.address}").geturl()
