"""Where the stores of a run are, and what the services answer about them.

Invariant: an organization is asked about with its own key alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chaos.evidence import Row
from support.servers import Servers

_PAGE = 100


@dataclass(frozen=True)
class Reach:
    """Where the stores of a run are, and how its organizations get in.

    Attributes:
        servers: PostgreSQL and Kafka themselves, not the ways to them on which the run did its faults.
        booking_url: the origin of a booking service that is well, for the feeds.
        webhooks_url: the same of a dispatcher, for the ledgers.
        keys: an API key that may read both, by organization.
        calcom: the truth that the stand-in of Cal.com holds, by uid; the run asks the stand-in itself.
    """

    servers: Servers
    booking_url: str
    webhooks_url: str
    keys: Mapping[str, str]
    calcom: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """Asks the services what they tell their organizations."""

    session: aiohttp.ClientSession
    reach: Reach

    async def feed(self, org_id: str, bookings: Sequence[Row]) -> list[Row]:
        """Read the feeds of an organization's bookings, one behind the other."""
        own = [row["id"] for row in bookings if row["org_id"] == org_id]
        return [event for booking_id in own for event in await self._feed_of(org_id, booking_id)]

    async def _feed_of(self, org_id: str, booking_id: str) -> list[Row]:
        found: list[Row] = []
        has_more = True
        while has_more:
            behind = f"&starting_after={found[-1]['id']}" if found else ""
            path = f"/v1/reservations/{booking_id}/events?limit={_PAGE}{behind}"
            page = await self._get(self.reach.booking_url + path, org_id)
            found += page["data"]
            has_more = page["has_more"]
        return found

    async def ledger(self, org_id: str) -> Row:
        """Read an organization's ledger."""
        answer = await self._get(f"{self.reach.webhooks_url}/api/v1/webhooks/ledger", org_id)
        ledger: Row = answer["data"]
        return ledger

    async def _get(self, url: str, org_id: str) -> Any:
        headers = {"Authorization": f"Bearer {self.reach.keys[org_id]}"}
        async with self.session.get(url, headers=headers) as answer:
            told = await answer.text()
            if not answer.ok:
                raise RuntimeError(f"{url} was answered {answer.status}: {told[:500]}")
            return json.loads(told)
