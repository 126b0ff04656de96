"""The run's own PostgreSQL and Kafka, with a door to the broker for each way that leads there.

Kafka tells its clients where to connect next, so each way needs a listener that is advertised at the way's beginning.

Invariant: who came by a way stays on it, and who came by the broker's own port meets no fault of a way.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import kafka
from devstack.ports import HOST
from devstack.servers import EmbeddedServers
from support.servers import open_folder


@dataclass(frozen=True)
class Door:
    """A listener of the broker.

    Attributes:
        port: where it listens.
        advertised: the port of which it tells its clients.
    """

    port: int
    advertised: int


class Kafka(kafka.Kafka):
    """The embedded broker with doors, by names of capital letters and numbers."""

    def __init__(self, data: Path, doors: Mapping[str, Door]) -> None:
        super().__init__(data)
        self._doors = doors

    def _settings(self) -> str:
        given = super()._settings()
        known = dict(line.split("=", 1) for line in given.splitlines())
        listening = [f"{name}://{HOST}:{door.port}" for name, door in self._doors.items()]
        advertised = [f"{name}://{HOST}:{door.advertised}" for name, door in self._doors.items()]
        protocols = [f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *self._doors)]
        more = {
            "listeners": ",".join([known["listeners"], *listening]),
            "advertised.listeners": ",".join([known["advertised.listeners"], *advertised]),
            "listener.security.protocol.map": ",".join(protocols),
        }
        return given + "".join(f"{name}={value}\n" for name, value in more.items())  # the last one counts


@contextmanager
def chaos_servers(doors: Mapping[str, Door]) -> Iterator[EmbeddedServers]:
    """Both servers, running and empty, in processes of this one; stopped and removed afterwards."""
    with open_folder() as folder:
        servers = EmbeddedServers(folder)
        servers.kafka = Kafka(folder, doors)
        with servers:
            yield servers
