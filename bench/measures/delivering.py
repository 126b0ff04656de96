"""Deliveries: a full topic drained by the dispatcher, beside a bare client that signs and posts the same bodies.

The dispatcher is held (SIGSTOP) while the topic is filled. Its clock runs from its release to the last settled row, so
reading, matching, writing events and deliveries, and settling are all in it; the reference only posts.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from bench import child
from bench.events import events
from bench.programs import bare_sender
from bench.rounds import Comparison, Round
from bench.stack import Process, Stack, Tenant, until
from bench.usage import CpuMeter
from chassis.kafka import Producer
from slotwire_contracts import BOOKING_EVENTS, ReservationEvent, encode, record_key

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
ENDPOINTS = 10
CONNECTIONS_AN_ENDPOINT = 24  # first attempts under way to one endpoint, by the dispatcher's defaults
_DATABASE = "webhook_dispatcher"
_SETTLE_SECONDS = 60.0

# A place's sequence is the number of its events; what else there is to tell of is made in no measure.
_TOLD = """
SELECT
    (SELECT count(*) FROM history)
    + (SELECT coalesce(sum(sequence), 0) FROM locations)
    + (SELECT coalesce(sum(sequence), 0) FROM tables)
"""


@dataclass(frozen=True)
class Drain:
    """One round of the dispatcher: deliveries settled a second, and processor seconds of each tree for each."""

    per_s: float
    cpu_ms: dict[str, float]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        comparison: with an endpoint for each of ten organizations, one subscription an event.
        drains: the dispatcher's rounds of it.
        one_endpoint: all events for one endpoint.
        fan_out: several subscriptions an event.
    """

    comparison: Comparison
    drains: tuple[Drain, ...]
    one_endpoint: Drain
    fan_out: Drain

    @property
    def cpu_ms(self) -> dict[str, float]:
        """Processor milliseconds of each tree for one delivery."""
        return {name: median(one.cpu_ms[name] for one in self.drains) for name in self.drains[0].cpu_ms}


async def measure(stack: Stack) -> Measured:
    """Let the dispatcher and the bare client take turns."""
    async with stack.receiver() as receiver, stack.service("webhook_dispatcher") as dispatcher:
        bench = _Bench(stack, receiver, dispatcher)
        await bench.caught_up()
        many = [await bench.subscriber(1) for _ in range(ENDPOINTS)]
        one, fanned = await bench.subscriber(1), await bench.subscriber(stack.plan.fan_out)
        await bench.drain(_some(stack, many[:1]))  # warms up
        drains, rounds = [], []
        for _ in range(stack.plan.rounds):
            made = _some(stack, many)
            drains.append(await bench.drain(made))
            rounds.append(Round(drains[-1].per_s, await bench.send(made, ENDPOINTS * CONNECTIONS_AN_ENDPOINT)))
        return Measured(
            Comparison(tuple(rounds)),
            tuple(drains),
            await bench.drain(_some(stack, [one])),
            await bench.drain(_some(stack, [fanned], share=stack.plan.fan_out), fan_out=stack.plan.fan_out),
        )


def _some(stack: Stack, tenants: Sequence[Tenant], *, share: int = 1) -> list[ReservationEvent]:
    return list(events(stack.plan.deliveries // share, [tenant.org_id for tenant in tenants]))


@dataclass(frozen=True)
class _Bench:
    """The dispatcher, its reference's receiver, and what fills its topic."""

    stack: Stack
    receiver: Process
    dispatcher: Process

    async def caught_up(self) -> None:
        """Wait until every event of the booking service was taken in."""
        told = await self.stack.value("booking", _TOLD)

        async def all_are_in() -> bool:
            return bool(await self.stack.value(_DATABASE, "SELECT count(*) FROM events") == told)

        await until(all_are_in, within=_SETTLE_SECONDS)

    async def subscriber(self, subscriptions: int) -> Tenant:
        """Make an organization with some subscriptions to everything, all at the receiver."""
        tenant = await self.stack.tenant()
        for number in range(subscriptions):
            asked = {"url": f"{self.receiver.url}/hooks/{number}", "events": ["*"]}
            await self.stack.make(self.dispatcher, tenant, SUBSCRIPTIONS, asked)
        return tenant

    async def drain(self, made: Sequence[ReservationEvent], *, fan_out: int = 1) -> Drain:
        """Fill the topic, let the dispatcher go, and wait until all is settled."""
        await self.stack.take_arrivals(self.receiver)
        count = len(made) * fan_out
        pids = {**self.stack.server_pids, "webhook_dispatcher": self.dispatcher.pid}
        async with self._held():
            await self.stack.tidy(_DATABASE)
            await _fill(self.stack.servers.kafka_bootstrap, made)
            meter, began = CpuMeter(pids), time.time()
        settled = await self._settled(began, count)
        return Drain(
            count / (settled - began), {name: 1000 * seconds / count for name, seconds in meter.seconds().items()}
        )

    async def send(self, made: Sequence[ReservationEvent], connections: int) -> float:
        """Have the bare client post the same bodies; answers its rate."""
        path = self.stack.folder / "events.jsonl"
        path.write_bytes(b"".join(encode(event) + b"\n" for event in made))
        spec = bare_sender.Spec(f"{self.receiver.url}/hooks/0", str(path), connections)
        log = self.stack.log("bare_sender")
        result = await child.measured("bench.programs.bare_sender", spec, bare_sender.Result, log=log)
        return len(made) / result.seconds

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        process = psutil.Process(self.dispatcher.pid)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    async def _settled(self, began: float, count: int) -> float:
        """Wait until so many deliveries were settled since an instant; answers when the last one was."""

        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= count

        await until(all_came, within=_SETTLE_SECONDS)
        query = """
            SELECT count(*), extract(epoch FROM max(settled_at))::float8
            FROM deliveries WHERE state = 'delivered' AND settled_at > to_timestamp($1)
        """
        async with self.stack.asking(_DATABASE) as conn:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while (row := await conn.fetchrow(query, began)) is None or row[0] < count:
                    await asyncio.sleep(0.05)
        return float(row[1])


async def _fill(bootstrap: str, made: Sequence[ReservationEvent]) -> None:
    async with Producer.connected(bootstrap) as producer:
        pending = [
            await producer.send(BOOKING_EVENTS.name, key=record_key(event), value=encode(event)) for event in made
        ]
        await asyncio.gather(*pending)
