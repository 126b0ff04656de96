"""The waitlist: many places that fall free at once, and matches as the queue grows, and as other queues do.

How long an offer takes is told by PostgreSQL: from when booking's cancellation was committed, or the waitlist's
decline, to when the offer was. How long a match takes the service tells itself: `slotwire_waitlist_match_seconds`.
Invariant: nothing else is matched while a match is timed; the sweep rests.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import fmean
from typing import Any, Self

from bench import child, many_waiting
from bench.stack import Process, Stack, Tenant, until

PARTY = 2
MINUTES = 90
_PATH, _BOOKINGS = "/api/v1/waitlist", "/api/v1/bookings"
_MATCH = "slotwire_waitlist_match_seconds"
_NO_SWEEP = {"SLOTWIRE_WAITLIST_SWEEP": "86400"}
_WAIT_SECONDS = 120.0
_COMMITTED = "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8"
_FREED = f"SELECT table_ids[1], {_COMMITTED} FROM bookings WHERE org_id = $1 AND status = 'CANCELLED'"
_OFFERED = f"SELECT table_ids[1], {_COMMITTED} FROM offers WHERE org_id = $1 AND state = 'live'"
_LIVE = "SELECT count(*) FROM offers WHERE org_id = $1 AND state = 'live'"
_NOTIFIED = "SELECT id FROM entries WHERE org_id = $1 AND status = 'notified'"
_CHANGED = f"SELECT {_COMMITTED} FROM entries WHERE id = $1"


@dataclass(frozen=True)
class Size:
    """A queue.

    Attributes:
        waiting: how many wait in it.
        others: how many wait for other dates at the same location.
        match_ms: milliseconds of a match that finds nothing free, each.
        pass_on_ms: milliseconds from a decline to the offer for the next, each.
    """

    waiting: int
    others: int
    match_ms: tuple[float, ...]
    pass_on_ms: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        offered_ms: of each place that fell free, milliseconds until it was offered.
        sizes: queues without others, the smallest first.
        beside: the smallest, beside many in other dates.
    """

    offered_ms: tuple[float, ...]
    sizes: tuple[Size, ...]
    beside: Size

    @property
    def growth_by_others(self) -> float:
        """The time of a match beside many in other dates, as a multiple of what it is without them."""
        return fmean(self.beside.match_ms) / fmean(self.sizes[0].match_ms)


@dataclass(frozen=True)
class _House:
    """A location of an organization, where all tables are taken at the time that all want, on one date or on more.

    Attributes:
        start: that time, on the first date.
        bookings: what the tables are taken by on that date.
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
            bookings.append((await stack.make(booking, tenant, _BOOKINGS, visit))["id"])
        return cls(stack, booking, waitlist, tenant, location_id, start, bookings[:tables])

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
        first = await self.stack.make(self.waitlist, self.tenant, _PATH, asked)
        async with self.stack.asking("waitlist") as conn:
            await many_waiting.copy(conn, first["id"], waiting - 1)
        return str(first["id"])

    async def falls_free(self, booking_id: str) -> None:
        """Cancel a booking."""
        await self.send("DELETE", f"{self.booking.url}{_BOOKINGS}/{booking_id}")

    async def offers(self) -> int:
        """Count what is offered now."""
        return int(await self.stack.value("waitlist", _LIVE, self.tenant.org_id))

    async def has_offers(self, count: int) -> None:
        """Wait until so much is offered."""

        async def has() -> bool:
            return await self.offers() >= count

        await until(has, within=_WAIT_SECONDS)

    async def rests(self) -> None:
        """Wait until no match is owed or under way."""

        async def does() -> bool:
            owed = "SELECT count(*) FROM queues WHERE org_id = $1 AND due_at < now() + interval '1 hour'"
            held = "SELECT count(*) FROM queues WHERE org_id = $1 AND held_by IS NOT NULL"
            found = [await self.stack.value("waitlist", query, self.tenant.org_id) for query in (owed, held)]
            return found == [0, 0]

        await until(does, within=_WAIT_SECONDS)


async def measure(stack: Stack) -> Measured:
    """Measure what falls free at once, then one size after the other."""
    plan = stack.plan
    async with stack.service("booking") as booking:
        asking = {"SLOTWIRE_BOOKING_URL": booking.url, **_NO_SWEEP}
        await child.run("waitlist", "migrate", env={**stack.env, **asking}, log=stack.log("waitlist"))
        async with stack.service("waitlist", **asking) as waitlist:
            new = partial(_House.opened, stack, booking, waitlist)
            least, others = plan.waitlist_sizes[0], plan.waitlist_others
            await _at_once(await new(), 1)  # not counted: the service has only begun to hear
            offered = await _at_once(await new(tables=plan.waitlist_places), plan.waitlist_waiting)
            sizes = [await _size(await new(), waiting) for waiting in plan.waitlist_sizes]
            beside = await _size(await new(days=1 + others // least), least, others)
    return Measured(offered, tuple(sizes), beside)


async def _at_once(house: _House, waiting: int) -> tuple[float, ...]:
    """Have all tables fall free, for which so many wait; tell of each how long it took until it was offered."""
    await house.fill(waiting)
    await house.rests()
    await asyncio.gather(*(house.falls_free(one) for one in house.bookings))
    await house.has_offers(len(house.bookings))
    async with house.stack.asking("booking") as conn:
        freed = {row[0]: row[1] for row in await conn.fetch(_FREED, house.tenant.org_id)}
    async with house.stack.asking("waitlist") as conn:
        offered = {row[0]: row[1] for row in await conn.fetch(_OFFERED, house.tenant.org_id)}
    assert offered.keys() == freed.keys()
    return tuple(offered[table] - freed[table] for table in freed)


async def _size(house: _House, waiting: int, others: int = 0) -> Size:
    for day in range(1, others // waiting + 1):
        await house.fill(waiting, days=day)
    first = await house.fill(waiting)
    await house.rests()
    await house.stack.tidy("waitlist")
    match = [await _match(house, first, number) for number in range(house.stack.plan.waitlist_matches)]
    await house.falls_free(house.bookings[0])
    await house.has_offers(1)
    pass_on = [await _pass_on(house) for _ in range(house.stack.plan.waitlist_matches)]
    return Size(waiting, others, tuple(match), tuple(pass_on))


async def _match(house: _House, entry_id: str, number: int) -> float:
    """Have the queue matched once; in milliseconds."""
    async with _counting(house) as spent:
        await house.send("PATCH", f"{house.waitlist.url}{_PATH}/{entry_id}", {"notes": f"Number {number}"})
    return spent[0]


@asynccontextmanager
async def _counting(house: _House) -> AsyncIterator[list[float]]:
    """Tell what the matches that the block brings about took, each, in milliseconds."""
    before = [await house.stack.metric(house.waitlist, f"{_MATCH}_{part}") for part in ("sum", "count")]
    spent: list[float] = []
    yield spent

    async def is_counted() -> bool:
        return await house.stack.metric(house.waitlist, f"{_MATCH}_count") > before[1]

    await until(is_counted, within=_WAIT_SECONDS)
    await house.rests()
    total, count = [await house.stack.metric(house.waitlist, f"{_MATCH}_{part}") for part in ("sum", "count")]
    spent.append(1000 * (total - before[0]) / (count - before[1]))


async def _pass_on(house: _House) -> float:
    """Decline what is offered; in milliseconds until the next one is."""
    stack, org_id = house.stack, house.tenant.org_id
    await house.rests()
    declines = await stack.value("waitlist", _NOTIFIED, org_id)
    await house.send("POST", f"{house.waitlist.url}{_PATH}/{declines}/decline", {})
    await house.has_offers(1)
    offered = await stack.value("waitlist", _NOTIFIED, org_id)
    assert offered != declines
    ends = [await stack.value("waitlist", _CHANGED, one) for one in (declines, offered)]
    return float(ends[1] - ends[0])


def _visit(start: datetime, *names: str) -> dict[str, str]:
    return {name: f"{at:%FT%TZ}" for name, at in zip(names, (start, start + timedelta(minutes=MINUTES)), strict=True)}
