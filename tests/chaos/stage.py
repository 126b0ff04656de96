"""The whole system of a run: servers, processes of all services, and a way for each connection between them.

Invariant: when a run takes place on it all of it is ready, and behind the run all of it is ended.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chaos.groups import JOINED
from chaos.parts import Part
from chaos.plan import Targets
from chaos.servers import chaos_servers
from chaos.ways import Way
from chaos.wiring import COUNTS, NAMES, Wiring, ports
from chassis.service import migrate
from devstack.ending import to_its_end
from devstack.server import Server
from devstack.servers import EmbeddedServers
from slotwire_contracts import TOPICS, WEBHOOK_ATTEMPTS
from support.calcom_processes import SETTINGS as CALCOM_SETTINGS
from support.system import ServiceProcess, service_environment
from support.waiting import eventually

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
            groups=JOINED,
        )


@asynccontextmanager
async def running_stage(logs: Path, more_ways: Sequence[Way]) -> AsyncIterator[Stage]:
    """Everything running and ready, for the block.

    Args:
        logs: a folder for what the processes write.
        more_ways: those that lead out of the system; they are opened beside the others.
    """
    wiring = Wiring()
    ways = {way.name: way for way in (*wiring, *more_ways)}
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(_running(wiring, logs))
        for way in ways.values():
            await stack.enter_async_context(way.opened())
        env = service_environment(servers, **SETTINGS, SLOTWIRE_BOOKING_URL=wiring.from_waitlist.url)
        await asyncio.gather(*(migrate(servers.postgres_url, service) for service in COUNTS))
        at = ports()
        wiring.services |= {
            name: ServiceProcess(service, env | wiring.environment(name, servers), logs / f"{name}.log", at[name])
            for name, service in NAMES.items()
        }
        for one in wiring.services.values():
            stack.push_async_callback(asyncio.to_thread, one.stop)
            await to_its_end(one.start)
        for one in wiring.services.values():
            await eventually(one.ready)
        yield Stage(servers, _parts(servers, wiring.services), ways, wiring.client_urls)


@contextmanager
def _running(wiring: Wiring, logs: Path) -> Iterator[EmbeddedServers]:
    """Both servers, for the block; blocking, so that no signal comes between their start and who ends them."""
    with chaos_servers(wiring.kafka_doors) as servers:
        try:
            wiring.postgres_port = lambda: urlsplit(servers.postgres_url).port or 0
            yield servers
        finally:
            for server in servers.ours():
                shutil.copy(server.log, logs)


def _parts(servers: EmbeddedServers, services: Mapping[str, ServiceProcess]) -> dict[str, Part]:
    embedded: dict[str, Server] = {"kafka": servers.kafka, "postgres": servers.postgres}
    return {
        **{name: Part(name, one, one.log, one) for name, one in services.items()},
        **{name: Part(name, one, one.log) for name, one in embedded.items()},
    }
