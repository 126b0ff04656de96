"""A house whose tables are all taken, and for which many wait."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from bench import child, many_waiting
from bench.stack import Process, Stack, Tenant, until

PARTY = 2
MINUTES = 90
PATH, BOOKINGS = "/api/v1/waitlist", "/api/v1/bookings"
WAIT_SECONDS = 120.0
_LIVE = "SELECT count(*) FROM offers WHERE org_id = $1 AND state = 'live'"


@asynccontextmanager
async def running_waitlist(stack: Stack, booking: Process) -> AsyncIterator[Process]:
    """Run the waitlist for the block; its sweep rests, so that nothing is matched but for what falls free."""
    settings = {"SLOTWIRE_BOOKING_URL": booking.url, "SLOTWIRE_WAITLIST_SWEEP": "86400"}
    await child.run("waitlist", "migrate", env={**stack.env, **settings}, log=stack.log("waitlist"))
    async with stack.service("waitlist", **settings) as waitlist:
        yield waitlist


@dataclass(frozen=True)
class House:
    """A location of an organization, where all tables are taken at the time that all want, on one date or on more.

    Attributes:
        start: that time, on the first date.
        bookings: what the tables are taken by, one date after the other.
    """

    stack: Stack
    booking: Process
    waitlist: Process
    tenant: Tenant
    location_id: str
    start: datetime
    bookings: Sequence[str]

    @classmethod
    async def opened(cls, stack: Stack, booking: Process, waitlist: Process, *, tables: int = 1, days: int = 1) -> Self:
        """Open one, and have all tables taken on so many dates."""
        tenant = await stack.tenant()
        start = (datetime.now(UTC) + timedelta(days=30)).replace(hour=18, minute=0, second=0, microsecond=0)
        location = {"name": "Bench", "timezone": "UTC", "visit_minutes": MINUTES}
        location_id = (await stack.make(booking, tenant, "/api/v1/locations", location))["id"]
        bookings = []
        for number in range(tables):
            table = {"location_id": location_id, "name": f"Table {number}", "max_party": PARTY}
            await stack.make(booking, tenant, "/api/v1/tables", table)
        for number in range(tables * days):
            visit = {
                "location_id": location_id,
                "party_size": PARTY,
                **_visit(start + timedelta(days=number // tables), "start_time", "end_time"),
                "attendee": {"name": "Guest", "email": f"guest-{number}@example.com"},
            }
            bookings.append((await stack.make(booking, tenant, BOOKINGS, visit))["id"])
        return cls(stack, booking, waitlist, tenant, location_id, start, bookings)

    async def send(self, method: str, url: str, body: Any = None) -> Any:
        """Send a request, and answer its data."""
        headers = {"Authorization": f"Bearer {self.tenant.key}"}
        async with self.stack.http.request(method, url, json=body, headers=headers) as answer:
            content = await answer.json()
            if not answer.ok:
                raise child.ChildError(f"{method} {url}: {answer.status} {content}")
            return content["data"]

    async def fill(self, waiting: int, *, days: int = 0) -> str:
        """Have so many wait for the date that is so many days later; answers the first one's id."""
        start = self.start + timedelta(days=days)
        asked = {
            "locationId": self.location_id,
            "requestedDate": start.date().isoformat(),
            "partySize": PARTY,
            **_visit(start, "preferredStartTime", "preferredEndTime"),
            "contact": {"name": "Guest", "email": "guest@example.com"},
        }
        first = await self.stack.make(self.waitlist, self.tenant, PATH, asked)
        async with self.stack.asking("waitlist") as conn:
            await many_waiting.copy(conn, first["id"], waiting - 1)
        return str(first["id"])

    async def falls_free(self, booking_id: str) -> None:
        """Cancel a booking."""
        await self.send("DELETE", f"{self.booking.url}{BOOKINGS}/{booking_id}")

    async def offers(self) -> int:
        """Count what is offered now."""
        return int(await self.stack.value("waitlist", _LIVE, self.tenant.org_id))

    async def has_offers(self, count: int) -> None:
        """Wait until so much is offered."""

        async def has() -> bool:
            return await self.offers() >= count

        await until(has, within=WAIT_SECONDS)

    async def rests(self) -> None:
        """Wait until no match is owed or under way."""

        async def does() -> bool:
            owed = "SELECT count(*) FROM queues WHERE org_id = $1 AND due_at < now() + interval '1 hour'"
            held = "SELECT count(*) FROM queues WHERE org_id = $1 AND held_by IS NOT NULL"
            found = [await self.stack.value("waitlist", query, self.tenant.org_id) for query in (owed, held)]
            return found == [0, 0]

        await until(does, within=WAIT_SECONDS)


def _visit(start: datetime, *names: str) -> dict[str, str]:
    return {name: f"{at:%FT%TZ}" for name, at in zip(names, (start, start + timedelta(minutes=MINUTES)), strict=True)}
