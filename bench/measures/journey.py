"""The whole journey, everything running: a booking is posted, its event arrives at the receiver.

Latency is measured at a fixed rate in an open loop, from two instants: when the POST was due, and when PostgreSQL put
the booking's commit into its log (`pg_xact_commit_timestamp`; the flush to disk comes after it and so counts). All
processes share the machine's clock. Then the same under saturation, for the rate and the processor time of it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.child import ChildError
from bench.measures.delivering import SUBSCRIPTIONS
from bench.measures.posting import Place, new_place
from bench.stack import Process, Stack, until
from bench.usage import CpuMeter, memory_mib

_COMMITTED = """
SELECT id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM bookings WHERE id = ANY ($1)
"""
_UNSETTLED = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
_SKIPPED_SECONDS = 5.0
_SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of every booking, in no order."""

    from_commit: tuple[float, ...]
    from_post: tuple[float, ...]


@dataclass(frozen=True)
class Load:
    """What a load was and cost: bookings delivered a second, and processor milliseconds of each tree for each."""

    per_s: float
    cpu_ms: dict[str, float]


@dataclass(frozen=True)
class Measured:
    """What was measured; memory in MiB, after it all."""

    latencies: Latencies
    steady: Load
    saturated: Load
    memory: dict[str, float]


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
        latencies, steady = await journey.steady()
        saturated = await journey.saturated()
        return Measured(latencies, steady, saturated, {name: memory_mib(pid) for name, pid in pids.items()})


@dataclass(frozen=True)
class _Journey:
    stack: Stack
    place: Place
    receiver: Process
    pids: dict[str, int]

    async def steady(self) -> tuple[Latencies, Load]:
        """Post at the plan's rate."""
        plan = self.stack.plan
        await self.stack.tidy("booking", "webhook_dispatcher")
        meter, began = CpuMeter(self.pids), time.time()
        result = await self.place.load(seconds=plan.latency_seconds, rate=plan.rate, skipped=_SKIPPED_SECONDS)
        posted = int(plan.rate * (_SKIPPED_SECONDS + plan.latency_seconds))
        load = await self._load(meter, began, posted)
        return await self._latencies(result.posts), load

    async def saturated(self) -> Load:
        """Post as fast as bookings are answered, and wait until all are delivered."""
        await self.stack.take_arrivals(self.receiver)
        await self.stack.tidy("booking", "webhook_dispatcher")
        first = self.place.following
        meter, began = CpuMeter(self.pids), time.time()
        await self.place.load(seconds=self.stack.plan.journey_seconds)
        return await self._load(meter, began, self.place.following - first)

    async def _load(self, meter: CpuMeter, began: float, posted: int) -> Load:
        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= posted

        async def all_are_settled() -> bool:
            return not await self.stack.value("webhook_dispatcher", _UNSETTLED)

        await until(all_came, within=_SETTLE_SECONDS)
        took = time.time() - began
        await until(all_are_settled)
        return Load(posted / took, {name: 1000 * seconds / posted for name, seconds in meter.seconds().items()})

    async def _latencies(self, posts: Sequence[tuple[str, int]]) -> Latencies:
        ids = [booking_id for booking_id, _ in posts]
        async with self.stack.asking("booking") as conn:
            committed = {row[0]: row[1] for row in await conn.fetch(_COMMITTED, ids)}
        arrived: dict[str, int] = {}
        for booking_id, at in await self.stack.take_arrivals(self.receiver):
            arrived.setdefault(booking_id, at)
        if missing := [booking_id for booking_id in ids if booking_id not in arrived]:
            raise ChildError(f"{len(missing)} bookings never arrived, {missing[0]} among them")
        return Latencies(
            tuple((arrived[booking_id] - committed[booking_id]) / 1000 for booking_id in ids),
            tuple((arrived[booking_id] - due) / 1000 for booking_id, due in posts),
        )
