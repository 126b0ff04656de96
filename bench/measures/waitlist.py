"""The waitlist: many places that fall free at once, and matches as the queue grows, and as other queues do.

How long an offer takes is told by PostgreSQL: from when booking's cancellation was committed, or the waitlist's
decline, to when the offer was. How long a match takes the service tells itself: `slotwire_waitlist_match_seconds`.
Invariant: nothing else is matched while a match is timed; the sweep rests.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from bench.measures.house import PATH, WAIT_SECONDS, House, running_waitlist
from bench.stack import Stack, until

_MATCH = "slotwire_waitlist_match_seconds"
_COMMITTED = "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8"
_FREED = f"SELECT table_ids[1], {_COMMITTED} FROM bookings WHERE org_id = $1 AND status = 'CANCELLED'"
# An entry's row is written when its offer becomes live, and not after that; the offer's is, when more falls free.
_OFFERED = f"""
SELECT o.table_ids[1], {_COMMITTED.replace("xmin", "e.xmin")}
FROM offers o JOIN entries e ON e.id = o.entry_id WHERE o.org_id = $1 AND o.state = 'live'
"""
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


async def measure(stack: Stack) -> Measured:
    """Measure what falls free at once, then one size after the other."""
    plan = stack.plan
    async with stack.service("booking") as booking, running_waitlist(stack, booking) as waitlist:
        new = partial(House.opened, stack, booking, waitlist)
        least, others = plan.waitlist_sizes[0], plan.waitlist_others
        await _at_once(await new(), 1)  # not counted: the service has only begun to hear
        offered = await _at_once(await new(tables=plan.waitlist_places), plan.waitlist_waiting)
        sizes = [await _size(await new(), waiting) for waiting in plan.waitlist_sizes]
        beside = await _size(await new(days=1 + others // least), least, others)
    return Measured(offered, tuple(sizes), beside)


async def _at_once(house: House, waiting: int) -> tuple[float, ...]:
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


async def _size(house: House, waiting: int, others: int = 0) -> Size:
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


async def _match(house: House, entry_id: str, number: int) -> float:
    """Have the queue matched once; in milliseconds."""
    async with _counting(house) as spent:
        await house.send("PATCH", f"{house.waitlist.url}{PATH}/{entry_id}", {"notes": f"Number {number}"})
    return spent[0]


@asynccontextmanager
async def _counting(house: House) -> AsyncIterator[list[float]]:
    """Tell what the matches that the block brings about took, each, in milliseconds."""
    before = [await house.stack.metric(house.waitlist, f"{_MATCH}_{part}") for part in ("sum", "count")]
    spent: list[float] = []
    yield spent

    async def is_counted() -> bool:
        return await house.stack.metric(house.waitlist, f"{_MATCH}_count") > before[1]

    await until(is_counted, within=WAIT_SECONDS)
    await house.rests()
    total, count = [await house.stack.metric(house.waitlist, f"{_MATCH}_{part}") for part in ("sum", "count")]
    spent.append(1000 * (total - before[0]) / (count - before[1]))


async def _pass_on(house: House) -> float:
    """Decline what is offered; in milliseconds until the next one is."""
    stack, org_id = house.stack, house.tenant.org_id
    await house.rests()
    declines = await stack.value("waitlist", _NOTIFIED, org_id)
    await house.send("POST", f"{house.waitlist.url}{PATH}/{declines}/decline", {})
    await house.has_offers(1)
    offered = await stack.value("waitlist", _NOTIFIED, org_id)
    assert offered != declines
    ends = [await stack.value("waitlist", _CHANGED, one) for one in (declines, offered)]
    return float(ends[1] - ends[0])
