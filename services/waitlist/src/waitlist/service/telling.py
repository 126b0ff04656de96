"""What booking tells of what an entry names.

Invariant: the questions of one request are asked at the same time, outside any transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from waitlist.client.booking import BookingClient
from waitlist.domain.entry import Entry
from waitlist.domain.joining import NewEntry, Told

T = TypeVar("T")


class Telling:
    """Asks booking for what the rules need to know."""

    def __init__(self, booking: BookingClient) -> None:
        self._booking = booking

    async def of_new(self, org_id: str, new: NewEntry) -> Told:
        """Ask for all that a new entry names.

        Raises:
            UnavailableError: booking does not answer.
        """
        return await self._ask(org_id, new.location_id, new.event_instance_id, new.client_id)

    async def of_place(self, entry: Entry) -> Told:
        """Ask for the place that an entry waits for.

        Raises:
            UnavailableError: booking does not answer.
        """
        return await self._ask(entry.org_id, entry.location_id, entry.event_instance_id, None)

    async def _ask(self, org_id: str, location_id: str | None, instance_id: str | None, client_id: str | None) -> Told:
        location, instance, client = await asyncio.gather(
            _named(self._booking.location, org_id, location_id),
            _named(self._booking.instance, org_id, instance_id),
            _named(self._booking.client, org_id, client_id),
        )
        return Told(location=location, instance=instance, client=client)


async def _named(ask: Callable[[str, str], Awaitable[T | None]], org_id: str, thing_id: str | None) -> T | None:
    return None if thing_id is None else await ask(org_id, thing_id)
