"""The whole journey, everything running: a booking is posted, its event arrives at the receiver.

Latency is measured at fixed rates in an open loop, from two instants: when the POST was due, and when PostgreSQL put
the booking's commit into its log (`pg_xact_commit_timestamp`; the flush to disk comes after it and so counts). All
processes share the machine's clock. Then the same under saturation, for the rate and the processor time of it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.child import ChildError
from bench.load import CostMeter, Load, at_rate, saturated
from bench.measures.posting import Place, new_place
from bench.measures.streets import SUBSCRIPTIONS
from bench.stack import Process, Stack, until

_COMMITTED = """
SELECT id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM bookings WHERE id = ANY ($1)
"""
_UNSETTLED = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
_SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of every booking, in no order."""

    from_commit: tuple[float, ...]
    from_post: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        latencies: at the plan's rate.
        loads: at each rate, the least first, from POST to arrival, and at saturation; they count bookings delivered.
        steady: that of them at the plan's rate.
    """

    latencies: Latencies
    loads: tuple[Load, ...]
    steady: Load

    @property
    def saturated(self) -> Load:
        """The load at saturation, after which memory is what it is at most."""
        return self.loads[-1]


async def measure(stack: Stack) -> Measured:
    """Measure latency at a fixed rate, then the journey under saturation."""
    async with (
        stack.receiver() as receiver,
        stack.service("booking") as booking,
        stack.service("webhook_dispatcher") as dispatcher,
    ):
        tenant = await stack.tenant()
        asked = {"url": f"{receiver.url}/hooks", "events": ["reservation.*"]}
        await stack.make(dispatcher, tenant, SUBSCRIPTIONS, asked)
        pids = {**stack.server_pids, "booking": booking.pid, "webhook_dispatcher": dispatcher.pid}
        journey = _Journey(stack, await new_place(stack, booking, tenant), receiver, pids)
        plan = stack.plan
        seconds = {**dict.fromkeys(plan.journey_rates, plan.load_seconds), plan.rate: plan.latency_seconds}
        rates = {rate: await journey.at(rate, seconds[rate]) for rate in sorted(seconds)}
        latencies, steady = rates[plan.rate]
        return Measured(latencies, (*(load for _, load in rates.values()), await journey.saturated()), steady)


@dataclass(frozen=True)
class _Journey:
    stack: Stack
    place: Place
    receiver: Process
    pids: dict[str, int]

    async def at(self, rate: float, seconds: float) -> tuple[Latencies, Load]:
        """Post at a rate."""
        meter, skipped = await self._begun(), self.stack.plan.load_skipped_seconds
        result = await self.place.load(seconds=seconds, rate=rate, skipped=skipped)
        posted = int(rate * (skipped + seconds))
        await self._delivered(posted)
        cost, arrived = meter.cost(posted), await self._arrivals()
        if missing := [booking_id for booking_id, *_ in result.posts if booking_id not in arrived]:
            raise ChildError(f"{len(missing)} bookings never arrived, {missing[0]} among them")
        spans = [(due, arrived[booking_id]) for booking_id, due, _ in result.posts]
        return await self._latencies(result.posts, arrived), at_rate(rate, spans, cost)

    async def saturated(self) -> Load:
        """Post as fast as bookings are answered, and wait until all are delivered."""
        meter = await self._begun()
        first, began = self.place.following, time.time()
        await self.place.load(seconds=self.stack.plan.journey_seconds)
        posted = self.place.following - first
        took = await self._delivered(posted) - began
        return saturated(posted / took, meter.cost(posted))

    async def _begun(self) -> CostMeter:
        await self.stack.take_arrivals(self.receiver)
        await self.stack.tidy("booking", "webhook_dispatcher")
        return CostMeter(self.pids)

    async def _delivered(self, posted: int) -> float:
        """Wait until so many have arrived and are settled; answers when the last had arrived."""

        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= posted

        async def all_are_settled() -> bool:
            return not await self.stack.value("webhook_dispatcher", _UNSETTLED)

        await until(all_came, within=_SETTLE_SECONDS)
        came = time.time()
        await until(all_are_settled)
        return came

    async def _arrivals(self) -> dict[str, int]:
        arrived: dict[str, int] = {}
        for booking_id, at in await self.stack.take_arrivals(self.receiver):
            arrived.setdefault(booking_id, at)
        return arrived

    async def _latencies(self, posts: Sequence[tuple[str, int, int]], arrived: Mapping[str, int]) -> Latencies:
        async with self.stack.asking("booking") as conn:
            found = await conn.fetch(_COMMITTED, [booking_id for booking_id, *_ in posts])
        committed = {row[0]: row[1] for row in found}
        return Latencies(
            tuple((arrived[booking_id] - committed[booking_id]) / 1000 for booking_id, *_ in posts),
            tuple((arrived[booking_id] - due) / 1000 for booking_id, due, _ in posts),
        )
