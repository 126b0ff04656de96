"""The whole load of a run: several organizations, and strangers with a key of one who try what is another's.

Invariant: it is moderate, so that the system is disturbed by faults and not drowned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from chaos.load.client import Clients
from chaos.load.houses import House
from chaos.load.strangers import Stranger
from chaos.load.surroundings import Surroundings
from chaos.load.webhooks import Subscribing
from support.system import Tenant

_CLIENTS_AT_A_DESK = 2
_DESK_SECONDS, _VENUE_SECONDS, _CALCOM_SECONDS, _STRANGER_SECONDS = 0.4, 0.6, 1.0, 1.2
"""Between two steps, on the average."""

_SOON = 0.6
"""How far in the run a class begins whose offers end with that."""


@dataclass
class Load:
    """All of it.

    Args:
        duration: of the run, in seconds.
    """

    clients: Clients
    duration: float
    outside: Surroundings
    houses: Sequence[House] = ()
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.clients.seed} pauses")

    async def prepare(self, tenants: Sequence[Tenant]) -> None:
        """Have everything that the load needs made, while nothing is wrong yet."""
        soon = timedelta(seconds=3 + _SOON * self.duration)
        opening = (House.opened(n, tenant, self.clients, self.outside, soon) for n, tenant in enumerate(tenants))
        self.houses = await asyncio.gather(*opening)

    async def run(self) -> None:
        """Ask all the while, until the run is over."""
        async with asyncio.TaskGroup() as group:
            for name, running in self._loops():
                group.create_task(self._minded(name, running), name=name)

    def end(self) -> None:
        """Have nothing more asked, and every endpoint well from now on."""
        self.clients.over.set()
        self.outside.heal()

    async def close(self) -> None:
        """Have done what is to be done when the faults are over."""
        for house in self.houses:
            with self.clients.journal.minding("closing"):
                await house.close()

    def truth(self) -> dict[str, Mapping[str, Any]]:
        """Tell what is true at Cal.com, of all organizations."""
        accounts = [house.account for house in self.houses if house.account is not None]
        return {uid: row for account in accounts for uid, row in account.truth().items()}

    def _loops(self) -> Iterator[tuple[str, Awaitable[None]]]:
        for number, house in enumerate(self.houses):
            for _ in range(_CLIENTS_AT_A_DESK):
                yield f"desk {number}", self._steps(house.desk.step, _DESK_SECONDS)
            for venue in house.venues:
                yield f"{type(venue).__name__} {number}", self._steps(venue.step, _VENUE_SECONDS)
            if house.account is not None:
                yield f"calcom {number}", self._steps(house.account.step, _CALCOM_SECONDS)
            stranger = self._stranger(number, self.houses[number - 1])
            yield f"stranger {number}", self._steps(stranger.step, _STRANGER_SECONDS)
            for one in house.subscribing:
                yield f"subscription {one.endpoint.name}", self._subscription(one)

    def _stranger(self, number: int, others: House) -> Stranger:
        return Stranger(
            self.clients.of(self.houses[number].tenant, f"stranger {number}"),
            lambda: others.desk.known,
            lambda: [entry for venue in others.venues for entry in venue.waiting],
            lambda: [one.id for one in others.subscribing if one.id],
        )

    async def _steps(self, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        while not await self.clients.over.wait(self._random.uniform(0.4, 1.6) * seconds):
            await step()

    async def _subscription(self, one: Subscribing) -> None:
        """Have what a kind of subscription has in store for the run, each at its time."""
        kind, over = one.kind, self.clients.over
        if kind.begins:
            await over.wait(kind.begins * self.duration)
            await one.begin()
        if kind.again is not None:
            await over.wait(kind.again[0] * self.duration)
            await one.send_again()
        if kind.ends is not None:
            await over.wait(kind.ends[0] * self.duration)
            await one.end()

    async def _minded(self, name: str, running: Awaitable[None]) -> None:
        with self.clients.journal.minding(name):
            await running
