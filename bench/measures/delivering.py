"""Deliveries: a full topic drained by the dispatcher, beside a bare client that signs and posts the same bodies.

The dispatcher reads, matches, writes events and deliveries, and settles; the reference only posts.
"""

from dataclasses import dataclass
from statistics import median

from bench.measures.draining import ENDPOINTS, Drain, Draining, some
from bench.rounds import Comparison, Round
from bench.stack import Stack

CONNECTIONS_AN_ENDPOINT = 24  # first attempts under way to one endpoint, by the dispatcher's defaults


@dataclass(frozen=True)
class Turns:
    """Rounds of the dispatcher, and the rates of the reference in the same rounds."""

    drains: tuple[Drain, ...]
    bare_per_s: tuple[float, ...]

    @property
    def comparison(self) -> Comparison:
        """Both in turns."""
        return Comparison(
            tuple(Round(ours.per_s, bare) for ours, bare in zip(self.drains, self.bare_per_s, strict=True))
        )

    @property
    def cpu_ms(self) -> dict[str, float]:
        """Processor milliseconds of each tree for one delivery."""
        names = self.drains[0].cost.cpu_s
        return {name: median(one.cost.cpu_s[name] for one in self.drains) for name in names}


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        single: one subscription an event, with an endpoint for each of ten organizations.
        fan_out: several subscriptions an event, with an endpoint each.
        one_endpoint: all events for one endpoint.
    """

    single: Turns
    fan_out: Turns
    one_endpoint: Drain


async def measure(stack: Stack) -> Measured:
    """Let the dispatcher and the bare client take turns; then see what one endpoint takes."""
    fan_out = stack.plan.fan_out
    async with stack.receiver(max(ENDPOINTS, fan_out)) as receiver, stack.service("webhook_dispatcher") as dispatcher:
        bench = Draining(stack, receiver, (dispatcher,))
        await bench.caught_up()
        many = [await bench.subscriber([number]) for number in range(ENDPOINTS)]
        one, fanned = await bench.subscriber([0]), await bench.subscriber(range(fan_out))
        await bench.drain(some(stack, many[:1]))  # warms up
        drains, fanned_drains, bare = [], [], []
        for _ in range(stack.plan.rounds):
            made = some(stack, many)
            drains.append(await bench.drain(made))
            bare.append(await bench.send(made, ENDPOINTS * CONNECTIONS_AN_ENDPOINT))
            fanned_drains.append(await bench.drain(some(stack, [fanned], share=fan_out), fan_out=fan_out))
        one_endpoint = await bench.drain(some(stack, [one]))
    return Measured(Turns(tuple(drains), tuple(bare)), Turns(tuple(fanned_drains), tuple(bare)), one_endpoint)
