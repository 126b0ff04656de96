"""What is outside of the system and asked by it: subscribers' endpoints, and Cal.com.

Invariant: no way that faults are done to leads to an endpoint that is healthy.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from chaos.journal import Journal
from chaos.load.calcom import a_life
from chaos.load.webhooks import Kind, kinds_of
from chaos.subscribers import Endpoint
from chaos.ways import Way
from support.calcom import StandIn, standin

ORGANIZATIONS = 3
_CALCOMS = 2


@dataclass(frozen=True)
class Subscribed:
    """An endpoint, of what kind its subscription is, and at which port the system finds it."""

    number: int
    kind: Kind
    endpoint: Endpoint
    port: Callable[[], int]


@dataclass
class Surroundings:
    """All of it.

    Attributes:
        calcoms: those organizations' that have one, and the way there.
        ways: all that lead here.
    """

    subscribed: list[Subscribed] = field(default_factory=list)
    calcoms: dict[int, tuple[StandIn, Way]] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)

    def subscribed_by(self, number: int) -> Iterator[Subscribed]:
        """Tell what an organization subscribes."""
        return (one for one in self.subscribed if one.number == number)

    def heal(self) -> None:
        """Have every endpoint answer well from now on."""
        for one in self.subscribed:
            one.endpoint.heal()

    def add_endpoint(self, number: int, kind: Kind, endpoint: Endpoint) -> None:
        """Add an endpoint, behind a way unless it is healthy."""
        if kind.is_healthy:
            self.subscribed.append(Subscribed(number, kind, endpoint, lambda: endpoint.port))
            return
        way = Way(f"webhook_dispatcher>{endpoint.name}", lambda: [endpoint.port])
        self.ways.append(way)
        self.subscribed.append(Subscribed(number, kind, endpoint, lambda: way.port))

    def add_calcom(self, number: int, calcom: StandIn) -> None:
        """Add an organization's Cal.com."""
        way = Way(f"calcom_sync>calcom-{number}", lambda: [int(calcom.url.rpartition(":")[2])])
        self.ways.append(way)
        self.calcoms[number] = calcom, way


@asynccontextmanager
async def surroundings(seed: int, journal: Journal) -> AsyncIterator[Surroundings]:
    """Serve all of it, for the block."""
    made = Surroundings()
    async with AsyncExitStack() as stack:
        for number in range(ORGANIZATIONS):
            for kind in kinds_of(number):
                name = f"{kind.name}-{number}"
                endpoint = Endpoint(name, kind.manner, journal, Random(f"{seed} {name}"))
                made.add_endpoint(number, kind, await stack.enter_async_context(endpoint.opened()))
        for number in range(_CALCOMS):
            life = a_life(seed * _CALCOMS + number)
            made.add_calcom(number, await stack.enter_async_context(standin(life)))
        yield made
