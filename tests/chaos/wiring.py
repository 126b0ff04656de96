"""Which processes there are, and the ways between them: each has its own to PostgreSQL and to Kafka.

Invariant: a fault of a way is a fault of one process, or of those who go to one service.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chaos.servers import Door
from chaos.ways import Way
from devstack.ports import is_free
from devstack.servers import EmbeddedServers
from support.system import ServiceProcess

COUNTS = {"booking": 2, "waitlist": 1, "webhook_dispatcher": 2, "calcom_sync": 1}
"""How many processes there are of each service."""

NAMES = {f"{service}-{number}": service for service, count in COUNTS.items() for number in range(count)}
"""The service of each process."""

_PORTS = range(10_000, 15_000)
"""Below those that everybody else chooses from, so that nobody takes one while who listens there is down."""


def ports() -> dict[str, int]:
    """Choose a port for each process, on which nobody listens."""
    candidates = random.sample(_PORTS, len(_PORTS))
    return dict(zip(NAMES, filter(is_free, candidates), strict=False))


def _nowhere() -> int:
    raise RuntimeError("PostgreSQL has not been started yet")


@dataclass
class Wiring:
    """All ways.

    Attributes:
        services: the processes, which clients' ways lead to; they are known later than the ways.
        postgres_port: tells where PostgreSQL is; it is known later, too.
    """

    services: dict[str, ServiceProcess] = field(default_factory=dict)
    postgres_port: Callable[[], int] = _nowhere
    kafka_ports: Mapping[str, int] = field(default_factory=ports)
    to_kafka: dict[str, Way] = field(init=False)
    to_postgres: dict[str, Way] = field(init=False)
    from_clients: dict[str, Way] = field(init=False)
    from_waitlist: Way = field(init=False)

    def __post_init__(self) -> None:
        self.to_kafka = {name: self._to_kafka(name) for name in NAMES}
        self.to_postgres = {name: Way(f"{name}>postgres", lambda: [self.postgres_port()]) for name in NAMES}
        self.from_clients = {service: self._to_service("clients", service) for service in COUNTS}
        self.from_waitlist = self._to_service("waitlist-0", "booking")

    def __iter__(self) -> Iterator[Way]:
        """Go through all of them."""
        yield from (*self.to_kafka.values(), *self.to_postgres.values(), *self.from_clients.values())
        yield self.from_waitlist

    @property
    def kafka_doors(self) -> dict[str, Door]:
        """The listeners that the broker needs for the ways that lead to it."""
        return {
            name.upper().replace("-", "").replace("_", ""): Door(self.kafka_ports[name], way.port)
            for name, way in self.to_kafka.items()
        }

    @property
    def client_urls(self) -> dict[str, str]:
        """Where clients find each service."""
        return {service: way.url for service, way in self.from_clients.items()}

    def environment(self, name: str, servers: EmbeddedServers) -> dict[str, str]:
        """Tell a process its own ways."""
        postgres = urlsplit(servers.postgres_url)
        user = postgres.netloc.rpartition("@")[0]
        return {
            "SLOTWIRE_POSTGRES_URL": postgres._replace(netloc=f"{user}@{self.to_postgres[name].address}").geturl(),
            "SLOTWIRE_KAFKA_BOOTSTRAP": self.to_kafka[name].address,
        }

    def _to_kafka(self, name: str) -> Way:
        return Way(f"{name}>kafka", lambda: [self.kafka_ports[name]])

    def _to_service(self, who: str, service: str) -> Way:
        """Make a way to any of a service's processes, as a load balancer does."""
        return Way(f"{who}>{service}", lambda: self._ports(service))

    def _ports(self, service: str) -> Sequence[int]:
        return [one.port for one in self.services.values() if one.module == service]
