"""The whole load of a run: several organizations, each with desks, waitlists, subscribers and a Cal.com, and strangers.

Invariant: it is moderate, so that the system is disturbed by faults and not drowned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import aiohttp

from chaos.journal import Journal
from chaos.load.bookings import Desk
from chaos.load.calcom import Account
from chaos.load.client import Client
from chaos.load.strangers import Stranger
from chaos.load.surroundings import Surroundings
from chaos.load.waitlist import Course, Restaurant, Venue
from chaos.load.webhooks import Subscribing
from chassis.clock import utc_now
from chassis.lifecycle import Stop
from support.system import Tenant

_CLIENTS_AT_A_DESK = 2
_DESK_SECONDS, _VENUE_SECONDS, _CALCOM_SECONDS, _STRANGER_SECONDS = 0.4, 0.6, 1.0, 1.2
"""Between two steps, on the average."""

_SYNC_SECONDS = 15.0  # it is answered when all is read

_SOON = 0.5
"""How far in the run a class begins whose offers end with that."""

_WEEK = timedelta(days=7)
_POLICIES: tuple[dict[str, Any], ...] = (
    {"policy": "offer_one", "offerMinutes": 1},
    {"policy": "auto_convert"},
    {"policy": "notify_all", "offerMinutes": 600},
)


@dataclass
class House:
    """What one organization does."""

    client: Client
    desk: Desk
    venues: list[Venue]
    subscribing: list[Subscribing]
    account: Account | None


@dataclass
class Load:
    """All of it.

    Args:
        duration: of the run, in seconds.
    """

    seed: int
    duration: float
    doors: Mapping[str, str]
    http: aiohttp.ClientSession
    journal: Journal
    surroundings: Surroundings
    over: Stop = field(default_factory=Stop)
    houses: list[House] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed} pauses")

    async def prepare(self, tenants: list[Tenant]) -> None:
        """Have everything that the load needs made, while nothing is wrong yet."""
        self.houses = list(await asyncio.gather(*map(self._house, range(len(tenants)), tenants)))

    async def run(self) -> None:
        """Ask all the while, until the run is over."""
        async with asyncio.TaskGroup() as group:
            for name, running in self._loops():
                group.create_task(self._minded(name, running), name=name)

    async def close(self) -> None:
        """Have all of Cal.com read once more, and what would go on for long ended, when the faults are over."""
        for house in self.houses:
            if house.account is not None:
                await house.account.close()
            for venue in house.venues:
                if venue.is_brief:
                    await venue.close()

    def truth(self) -> dict[str, dict[str, Any]]:
        """Tell what is true at Cal.com, of all organizations."""
        accounts = [house.account for house in self.houses if house.account is not None]
        return {uid: row for account in accounts for uid, row in account.truth().items()}

    def _client(self, tenant: Tenant, name: str) -> Client:
        random = Random(f"{self.seed} {name}")
        return Client(tenant, self.doors, self.http, self.journal, random, self.over)

    async def _house(self, number: int, tenant: Tenant) -> House:
        client = self._client(tenant, f"house {number}")
        subscribing = [
            Subscribing(client, one.kind, one.endpoint, one.port) for one in self.surroundings.subscribed_by(number)
        ]
        for one in subscribing:
            if not one.kind.begins:
                await one.begin()
        soon = utc_now() + timedelta(seconds=10 + _SOON * self.duration)
        venues: list[Venue] = [
            await Restaurant.opened(self._client(tenant, f"restaurant {number}"), **_POLICIES[number % len(_POLICIES)]),
            await Course.opened(self._client(tenant, f"course {number}"), utc_now() + _WEEK),
        ]
        if number == 0:
            venues.append(await Course.opened(self._client(tenant, "course soon"), soon))
        return House(client, await Desk.opened(client), venues, subscribing, await self._account(number, tenant))

    async def _account(self, number: int, tenant: Tenant) -> Account | None:
        found = self.surroundings.calcoms.get(number)
        if found is None:
            return None
        standin, way = found
        client = replace(self._client(tenant, f"calcom {number}"), patience=_SYNC_SECONDS)
        return await Account.opened(client, standin, way.url)

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
            self._client(self.houses[number].client.tenant, f"stranger {number}"),
            lambda: others.desk.known,
            lambda: [entry for venue in others.venues for entry in venue.waiting],
            lambda: [one.id for one in others.subscribing if one.id],
        )

    async def _steps(self, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        while not await self.over.wait(self._random.uniform(0.4, 1.6) * seconds):
            await step()

    async def _subscription(self, one: Subscribing) -> None:
        if one.kind.begins:
            await self.over.wait(one.kind.begins * self.duration)
            await one.begin()
        if one.kind.again is not None:
            await self.over.wait(one.kind.again[0] * self.duration)
            await one.send_again()
        if one.kind.ends is not None:
            await self.over.wait(one.kind.ends[0] * self.duration)
            await one.end()

    async def _minded(self, name: str, running: Awaitable[None]) -> None:
        with self.journal.minding(name):
            await running
