"""POST /api/v1/bookings at fixed rates, then as fast as bookings are answered.

Latency runs from when a POST was due to the last byte of its answer. What the processes cost is told of each load from
its first POST until the relay has published what it left.
"""

from dataclasses import dataclass

from bench.load import CostMeter, Load, Loads, at_rate, saturated
from bench.measures.posting import Place, new_place, published
from bench.stack import Stack


async def measure(stack: Stack) -> Loads:
    """Measure one rate after the other, and saturation last."""
    plan = stack.plan
    async with stack.service("booking") as booking:
        place = await new_place(stack, booking, await stack.tenant())
        await place.load(seconds=plan.warm_up_seconds)
        api = _Api(place, {**stack.server_pids, "booking": booking.pid})
        return {"api_load": (*[await api.at(rate) for rate in plan.api_rates], await api.saturated())}


@dataclass(frozen=True)
class _Api:
    place: Place
    pids: dict[str, int]

    async def at(self, rate: float) -> Load:
        """Post at a rate."""
        plan = self.place.stack.plan
        meter, first = await self._begun()
        result = await self.place.load(seconds=plan.load_seconds, rate=rate, skipped=plan.load_skipped_seconds)
        await published(self.place.stack)
        spans = [(due, answered) for _, due, answered in result.posts]
        return at_rate(rate, spans, meter.cost(self.place.following - first))

    async def saturated(self) -> Load:
        """Post as fast as bookings are answered."""
        meter, first = await self._begun()
        result = await self.place.load(seconds=self.place.stack.plan.load_seconds)
        await published(self.place.stack)
        return saturated(result.answered / result.seconds, meter.cost(self.place.following - first))

    async def _begun(self) -> tuple[CostMeter, int]:
        await published(self.place.stack)
        await self.place.stack.tidy("booking")
        return CostMeter(self.pids), self.place.following
