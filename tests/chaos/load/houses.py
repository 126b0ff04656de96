"""What one organization has and does: a desk, a restaurant, a class, subscriptions, and perhaps a Cal.com.

Invariant: all of it is made while nothing is wrong yet, but for subscriptions that begin in mid-run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from chaos.load.bookings import Desk
from chaos.load.calcom import Account
from chaos.load.client import Client, Clients
from chaos.load.surroundings import Surroundings
from chaos.load.venues import Course, Restaurant
from chaos.load.waitlist import Venue
from chaos.load.webhooks import Subscribing
from chassis.clock import utc_now
from support.system import Tenant

_SYNC_SECONDS = 15.0  # it is answered when all is read
_WEEK = timedelta(days=7)
_POLICIES: Sequence[Mapping[str, Any]] = (
    {"policy": "offer_one", "offerMinutes": 1},
    {"policy": "auto_convert"},
    {"policy": "notify_all", "offerMinutes": 600},
)


@dataclass(frozen=True)
class House:
    """One of them."""

    tenant: Tenant
    desk: Desk
    venues: Sequence[Venue]
    subscribing: Sequence[Subscribing]
    account: Account | None

    @classmethod
    async def opened(
        cls, number: int, tenant: Tenant, clients: Clients, outside: Surroundings, soon: timedelta
    ) -> Self:
        """Open the one of that number; the first has a class that begins so soon that its offers end with that."""
        client = clients.of(tenant, f"house {number}")
        subscribing = [Subscribing(client, one.kind, one.endpoint, one.port) for one in outside.subscribed_by(number)]
        for one in subscribing:
            if not one.kind.begins:
                await one.begin()
        venues: list[Venue] = [
            await Restaurant.opened(clients.of(tenant, f"restaurant {number}"), **_POLICIES[number % len(_POLICIES)]),
            await Course.opened(clients.of(tenant, f"course {number}"), utc_now() + _WEEK),
        ]
        if number == 0:
            venues.append(await Course.opened(clients.of(tenant, "course soon"), utc_now() + soon))
        return cls(
            tenant, await Desk.opened(client), venues, subscribing, await _account(number, tenant, clients, outside)
        )

    async def close(self) -> None:
        """Have all of Cal.com read once more, and what would go on for long ended, when the faults are over."""
        if self.account is not None:
            await self.account.close()
        for venue in self.venues:
            if venue.is_brief:
                await venue.close()


async def _account(number: int, tenant: Tenant, clients: Clients, outside: Surroundings) -> Account | None:
    found = outside.calcoms.get(number)
    if found is None:
        return None
    standin, way = found
    client: Client = replace(clients.of(tenant, f"calcom {number}"), patience=_SYNC_SECONDS)
    return await Account.opened(client, standin, way.url)
