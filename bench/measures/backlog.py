"""A backlog: the dispatcher starts on many deliveries that wait in the database and have long been due.

It is started anew for each size, on no others than these, and drains for some seconds. How long it takes to claim a
batch it tells itself: the histogram `slotwire_webhook_claim_seconds`, of the whole transaction that found something.
Its memory is the most that was resident, as the operating system counts it.
"""

import time
from dataclasses import dataclass

from bench.many_deliveries import fill, forget_all
from bench.measures.draining import DATABASE, ENDPOINTS
from bench.measures.streets import SUBSCRIPTIONS
from bench.stack import Receiver, Stack, until
from bench.usage import peak_mib

_CLAIMS = "slotwire_webhook_claim_seconds"
_BEGIN_SECONDS = 60.0


@dataclass(frozen=True)
class Size:
    """A backlog of one size.

    Attributes:
        deliveries: how many waited.
        batches: how many batches were claimed.
        claim_ms: the mean time of claiming one, in milliseconds.
        per_s: deliveries a second.
        peak_mib: the dispatcher's memory at most.
    """

    deliveries: int
    batches: int
    claim_ms: float
    per_s: float
    peak_mib: float


@dataclass(frozen=True)
class Measured:
    """All sizes, the smallest first."""

    sizes: tuple[Size, ...]

    @property
    def claim_growth(self) -> float:
        """The time of a claim at the largest size, as a multiple of what it is at the smallest."""
        return self.sizes[-1].claim_ms / self.sizes[0].claim_ms


async def measure(stack: Stack) -> Measured:
    """Drain each size."""
    async with stack.receiver(ENDPOINTS) as receiver:
        subscriptions = await _subscriptions(stack, receiver)
        sizes = [await _size(stack, receiver, deliveries, subscriptions) for deliveries in stack.plan.backlog_sizes]
    async with stack.asking(DATABASE) as conn:
        await forget_all(conn)  # else whoever starts a dispatcher next finds what is left
    return Measured(tuple(sizes))


async def _subscriptions(stack: Stack, receiver: Receiver) -> dict[str, list[str]]:
    """Have organizations subscribe to everything, each so often that every event is for several."""
    made: dict[str, list[str]] = {}
    async with stack.service("webhook_dispatcher") as dispatcher:
        for number, tenant in enumerate(await stack.tenants(ENDPOINTS)):
            asked = {"url": f"{receiver.at(number)}/hooks", "events": ["*"]}
            made[tenant.org_id] = [
                (await stack.make(dispatcher, tenant, SUBSCRIPTIONS, asked))["id"] for _ in range(stack.plan.fan_out)
            ]
    return made


async def _size(stack: Stack, receiver: Receiver, deliveries: int, subscriptions: dict[str, list[str]]) -> Size:
    async with stack.asking(DATABASE) as conn:
        await fill(conn, deliveries, subscriptions)
    await stack.tidy(DATABASE)
    await stack.take_arrivals(receiver)
    async with stack.service("webhook_dispatcher") as dispatcher:
        await _drain(stack, receiver, deliveries)
        spent = await stack.metric(dispatcher, f"{_CLAIMS}_sum")
        batches = await stack.metric(dispatcher, f"{_CLAIMS}_count")
        peak = peak_mib(dispatcher.pid)
        instants = [at for _, at in await stack.take_arrivals(receiver)]
    per_s = 1_000_000 * len(instants) / (max(instants) - min(instants))
    return Size(deliveries, int(batches), 1000 * spent / batches, per_s, peak)


async def _drain(stack: Stack, receiver: Receiver, deliveries: int) -> None:
    """Wait until all have arrived, and no longer than the plan says."""
    ends = 0.0

    async def is_over() -> bool:
        nonlocal ends
        came = await stack.arrived(receiver)
        if came and not ends:
            ends = time.monotonic() + stack.plan.backlog_seconds
        return came >= deliveries or bool(ends and time.monotonic() > ends)

    await until(is_over, within=_BEGIN_SECONDS + stack.plan.backlog_seconds)
