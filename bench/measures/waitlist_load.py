"""Places that fall free at fixed rates, for many queues in turns, and then many at once.

Latency runs from when a cancellation was due until PostgreSQL noted the commit of the offer of its place. Invariant:
each offer is told beside the cancellation of its own place, by table and time.
"""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bench.load import CostMeter, Load, Loads, Span, at_rate, saturated
from bench.measures.house import House, running_waitlist
from bench.plan import Plan
from bench.stack import Stack

_PLACES = """
SELECT id, table_ids[1], extract(epoch FROM start_time)::bigint FROM bookings WHERE id = ANY ($1)
"""
# An entry's row is written when the offer becomes live, and not after that; the offer's is, when more falls free.
_OFFERED = """
SELECT
    o.table_ids[1],
    extract(epoch FROM o.start_time)::bigint,
    (extract(epoch FROM pg_xact_commit_timestamp(e.xmin)) * 1000000)::bigint
FROM offers o JOIN entries e ON e.id = o.entry_id
WHERE o.org_id = $1 AND o.state = 'live'
"""
_WAITING_EACH = 2
"""How many wait for each place that falls free."""


async def measure(stack: Stack) -> Loads:
    """Measure one rate after the other, and what falls free at once last."""
    plan = stack.plan
    async with stack.service("booking") as booking, running_waitlist(stack, booking) as waitlist:
        house = await House.opened(stack, booking, waitlist, tables=tables(plan), days=plan.waitlist_dates)
        for day in range(plan.waitlist_dates):
            await house.fill(_WAITING_EACH * tables(plan), days=day)
        await house.rests()
        await stack.tidy("booking", "waitlist")
        pids = {**stack.server_pids, "booking": booking.pid, "waitlist": waitlist.pid}
        evening = _Evening(house, pids, iter(in_turns(house.bookings, tables(plan))))
        await evening.at_once(1)  # not counted: the service has only begun to hear
        rates = [await evening.at(rate) for rate in plan.waitlist_rates]
        return {"waitlist_load": (*rates, await evening.at_once(plan.waitlist_burst))}


def tables(plan: Plan) -> int:
    """Tell how many tables a house needs, for enough places on all its dates together."""
    places = sum(_count(plan, rate) for rate in plan.waitlist_rates) + plan.waitlist_burst + 1
    return math.ceil(places / plan.waitlist_dates)


def in_turns(bookings: Sequence[str], each: int) -> list[str]:
    """Order the bookings of dates, so many of each, so that the dates take turns."""
    return [booking for number in range(each) for booking in bookings[number::each]]


def _count(plan: Plan, rate: float) -> int:
    return int(rate * (plan.load_skipped_seconds + plan.load_seconds))


@dataclass(frozen=True)
class _Evening:
    """A house where all is taken, and the bookings that are still to be cancelled, in their order."""

    house: House
    pids: dict[str, int]
    bookings: Iterator[str]

    async def at(self, rate: float) -> Load:
        """Have so many places a second fall free."""
        plan = self.house.stack.plan
        meter, count, began = CostMeter(self.pids), _count(plan, rate), time.time()
        spans = await self._offered(
            {one: began + number / rate for number, one in enumerate(islice(self.bookings, count))}
        )
        return at_rate(rate, spans[int(rate * plan.load_skipped_seconds) :], meter.cost(count))

    async def at_once(self, count: int) -> Load:
        """Have so many places fall free at once."""
        meter, began = CostMeter(self.pids), time.time()
        spans = await self._offered(dict.fromkeys(islice(self.bookings, count), began))
        per_s = count / (max(offered for _, offered in spans) / 1e6 - began)
        return saturated(per_s, meter.cost(count))

    async def _offered(self, dues: dict[str, float]) -> list[Span]:
        """Cancel bookings as they fall due, wait for the offers, and tell of both."""
        offered = await self.house.offers()
        async with asyncio.TaskGroup() as group:
            for booking_id, due in dues.items():
                await asyncio.sleep(max(0.0, due - time.time()))
                group.create_task(self.house.falls_free(booking_id))
        await self.house.has_offers(offered + len(dues))
        stack = self.house.stack
        async with stack.asking("waitlist") as conn:
            found = await conn.fetch(_OFFERED, self.house.tenant.org_id)
        instants = {(row[0], row[1]): row[2] for row in found}
        async with stack.asking("booking") as conn:
            places = {row[0]: (row[1], row[2]) for row in await conn.fetch(_PLACES, list(dues))}
        return [(int(due * 1e6), instants[places[one]]) for one, due in dues.items()]
