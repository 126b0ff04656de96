"""What a second process of a service is worth: one and two dispatchers, one and two of the booking service.

Invariant: what two are compared with is what one does on the same servers, a moment before. It says something only
where the second one has a core of its own.
"""

from dataclasses import dataclass, replace
from statistics import median

from bench.load import CostMeter, Load, saturated
from bench.measures.draining import ENDPOINTS, Draining, numbered, some
from bench.measures.posting import Place, new_place, published
from bench.stack import Stack, Tenant


@dataclass(frozen=True)
class Measured:
    """Saturated loads, of one process, of two and so on; the costs are of the last round."""

    dispatchers: tuple[Load, ...]
    bookings: tuple[Load, ...]


async def measure(stack: Stack) -> Measured:
    """Measure dispatchers, then the booking service: its events are for no dispatcher here."""
    return Measured(await _dispatchers(stack), await _bookings(stack))


async def _bookings(stack: Stack) -> tuple[Load, ...]:
    async with stack.service("booking") as first:
        place = await new_place(stack, first, await stack.tenant())
        await place.load(seconds=stack.plan.warm_up_seconds)
        alone = await _posted(place)
        async with stack.service("booking") as second:
            place.more = (second,)
            await place.load(seconds=stack.plan.warm_up_seconds)
            return alone, await _posted(place)


async def _posted(place: Place) -> Load:
    """Post as fast as bookings are answered."""
    stack, rates = place.stack, []
    for _ in range(stack.plan.processes_rounds):
        await published(stack)
        await stack.tidy("booking")
        own = numbered("booking", (place.process, *place.more))
        meter, first = CostMeter({**stack.server_pids, **own}), place.following
        result = await place.load(seconds=stack.plan.api_seconds)
        await published(stack)
        rates.append(result.answered / result.seconds)
        cost = meter.cost(place.following - first)
    return saturated(median(rates), cost)


async def _dispatchers(stack: Stack) -> tuple[Load, ...]:
    async with stack.receiver(ENDPOINTS) as receiver, stack.service("webhook_dispatcher") as first:
        alone = Draining(stack, receiver, (first,))
        await alone.caught_up()
        many = [await alone.subscriber([number]) for number in range(ENDPOINTS)]
        await alone.drain(some(stack, many))  # warms up
        by_one = await _drained(alone, many)
        async with stack.service("webhook_dispatcher") as second:
            both = replace(alone, dispatchers=(first, second))
            await both.share(many)
            return by_one, await _drained(both, many)


async def _drained(draining: Draining, many: list[Tenant]) -> Load:
    """Drain full topics."""
    plan = draining.stack.plan
    drains = [await draining.drain(some(draining.stack, many)) for _ in range(plan.processes_rounds)]
    return saturated(median(drain.per_s for drain in drains), drains[-1].cost)
