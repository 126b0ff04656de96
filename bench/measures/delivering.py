"""Deliveries: a full topic drained by the dispatcher, beside a bare client that signs and posts the same bodies.

The dispatcher is held (SIGSTOP) while the topic is filled. Its clock runs from its release to the last settled row, so
reading, matching, writing events and deliveries, and settling are all in it; the reference only posts. Processor time
runs on for a while after that: attempts are published and counted behind the deliveries, and cost what they cost.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench import child
from bench.events import events
from bench.measures.topic import fill, held
from bench.programs import bare_sender
from bench.rounds import Comparison, Round
from bench.stack import Process, Receiver, Stack, Tenant, until
from bench.usage import CpuMeter
from slotwire_contracts import ReservationEvent, encode

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
ENDPOINTS = 10
CONNECTIONS_AN_ENDPOINT = 24  # first attempts under way to one endpoint, by the dispatcher's defaults
DATABASE = "webhook_dispatcher"
_SETTLE_SECONDS = 60.0
_AFTERWARDS_SECONDS = 2.5  # attempts gather for a second, and what was counted of them is written every second
_A_FEW = 48

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
        return {name: median(one.cpu_ms[name] for one in self.drains) for name in self.drains[0].cpu_ms}


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        single: one subscription an event, with an endpoint for each of ten organizations.
        fan_out: several subscriptions an event, with an endpoint each.
        one_endpoint: all events for one endpoint.
        two_processes: as `single`, by two dispatchers.
    """

    single: Turns
    fan_out: Turns
    one_endpoint: Drain
    two_processes: Drain


async def measure(stack: Stack) -> Measured:
    """Let the dispatcher and the bare client take turns; then see what one endpoint, and two dispatchers do."""
    fan_out = stack.plan.fan_out
    async with stack.receiver(max(ENDPOINTS, fan_out)) as receiver, stack.service("webhook_dispatcher") as dispatcher:
        bench = _Bench(stack, receiver, (dispatcher,))
        await bench.caught_up()
        many = [await bench.subscriber([number]) for number in range(ENDPOINTS)]
        one, fanned = await bench.subscriber([0]), await bench.subscriber(range(fan_out))
        await bench.drain(_some(stack, many[:1]))  # warms up
        drains, fanned_drains, bare = [], [], []
        for _ in range(stack.plan.rounds):
            made = _some(stack, many)
            drains.append(await bench.drain(made))
            bare.append(await bench.send(made, ENDPOINTS * CONNECTIONS_AN_ENDPOINT))
            fanned_drains.append(await bench.drain(_some(stack, [fanned], share=fan_out), fan_out=fan_out))
        one_endpoint = await bench.drain(_some(stack, [one]))
        async with stack.service("webhook_dispatcher") as second:
            both = replace(bench, dispatchers=(dispatcher, second))
            await both.share(many)
            two_processes = await both.drain(_some(stack, many))
    return Measured(
        Turns(tuple(drains), tuple(bare)), Turns(tuple(fanned_drains), tuple(bare)), one_endpoint, two_processes
    )


def _some(stack: Stack, tenants: Sequence[Tenant], *, share: int = 1) -> list[ReservationEvent]:
    return _events(stack.plan.deliveries // share, tenants)


def _events(count: int, tenants: Sequence[Tenant]) -> list[ReservationEvent]:
    return list(events(count, [tenant.org_id for tenant in tenants]))


@dataclass(frozen=True)
class _Bench:
    """The dispatchers, their reference's receiver, and what fills their topic."""

    stack: Stack
    receiver: Receiver
    dispatchers: tuple[Process, ...]

    async def caught_up(self) -> None:
        """Wait until every event of the booking service was taken in."""
        told = await self.stack.value("booking", _TOLD)

        async def all_are_in() -> bool:
            return bool(await self.stack.value(DATABASE, "SELECT count(*) FROM events") == told)

        await until(all_are_in, within=_SETTLE_SECONDS)

    async def subscriber(self, hosts: Sequence[int]) -> Tenant:
        """Make an organization with a subscription to everything at each of some of the receiver's hosts."""
        tenant = await self.stack.tenant()
        for number in hosts:
            asked = {"url": f"{self.receiver.at(number)}/hooks", "events": ["*"]}
            await self.stack.make(self.dispatchers[0], tenant, SUBSCRIPTIONS, asked)
        return tenant

    async def share(self, tenants: Sequence[Tenant]) -> None:
        """Have the last dispatcher take its part in what the others do."""

        async def takes_part() -> bool:
            await fill(self.stack.servers.kafka_bootstrap, _events(_A_FEW, tenants))
            return await self.stack.metric(self.dispatchers[-1], "slotwire_consumed_total") > 0

        await until(takes_part, within=_SETTLE_SECONDS)
        await asyncio.sleep(_AFTERWARDS_SECONDS)

    async def drain(self, made: Sequence[ReservationEvent], *, fan_out: int = 1) -> Drain:
        """Fill the topic, let the dispatchers go, and wait until all is settled."""
        await self.stack.take_arrivals(self.receiver)
        count, own = len(made) * fan_out, [one.pid for one in self.dispatchers]
        with held(own):
            await self.stack.tidy(DATABASE)
            await fill(self.stack.servers.kafka_bootstrap, made)
            servers, dispatchers = CpuMeter(self.stack.server_pids), [CpuMeter({DATABASE: pid}) for pid in own]
            began = time.time()
        settled = await self._settled(began, count)
        await asyncio.sleep(_AFTERWARDS_SECONDS)
        seconds = {**servers.seconds(), DATABASE: sum(meter.seconds()[DATABASE] for meter in dispatchers)}
        return Drain(count / (settled - began), {name: 1000 * spent / count for name, spent in seconds.items()})

    async def send(self, made: Sequence[ReservationEvent], connections: int) -> float:
        """Have the bare client post the same bodies; answers its rate."""
        path = self.stack.folder / "events.jsonl"
        path.write_bytes(b"".join(encode(event) + b"\n" for event in made))
        spec = bare_sender.Spec(f"{self.receiver.url}/hooks", str(path), connections)
        log = self.stack.log("bare_sender")
        result = await child.measured("bench.programs.bare_sender", spec, bare_sender.Result, log=log)
        return len(made) / result.seconds

    async def _settled(self, began: float, count: int) -> float:
        """Wait until so many deliveries were settled since an instant; answers when the last one was."""

        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= count

        await until(all_came, within=_SETTLE_SECONDS)
        query = """
            SELECT count(*), extract(epoch FROM max(settled_at))::float8
            FROM deliveries WHERE state = 'delivered' AND settled_at > to_timestamp($1)
        """
        async with self.stack.asking(DATABASE) as conn:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while (row := await conn.fetchrow(query, began)) is None or row[0] < count:
                    await asyncio.sleep(0.05)
        return float(row[1])
