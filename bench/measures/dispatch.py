"""The dispatcher at fixed rates and at saturation, with and without fan-out, beside neighbours good and bad.

Six streets: each event is for one endpoint or for several, and all endpoints answer, or one in ten never does, or one
in a hundred answers 500. What is told is of those that answer: latency runs from when an event was due on the topic to
its arrival at the endpoint, and a rate counts what arrived there. The dispatcher is started anew for every street, on
empty tables. Invariant: every event arrives exactly once at each endpoint that answers, or nothing is told.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import child
from bench.events import events
from bench.load import CostMeter, Load, Loads, Span, at_rate, saturated
from bench.many_deliveries import forget_all
from bench.measures import streets
from bench.measures.draining import AFTERWARDS_SECONDS, DATABASE
from bench.measures.streets import Street, new_street
from bench.measures.topic import fill, held
from bench.programs import topic_source
from bench.stack import Process, Receiver, Stack, until

_ARRIVE_SECONDS = 90.0
_PATHS = {"healthy": streets.healthy, "hanging": streets.hanging, "failing": streets.failing}


async def measure(stack: Stack) -> Loads:
    """Measure one street after the other."""
    count = stack.plan.dispatch_endpoints
    async with stack.receiver(count + 1) as receiver:
        async with stack.service("webhook_dispatcher") as dispatcher:
            made = {
                f"dispatch_{what}_{name}": await new_street(
                    stack, dispatcher, receiver, path, range(count), fan_out=fan_out
                )
                for what, fan_out in (("single", 1), ("fan_out", stack.plan.fan_out))
                for name, path in _PATHS.items()
            }
            apart = await new_street(stack, dispatcher, receiver, streets.healthy, [count])
        return {name: await _loads(stack, receiver, street, apart) for name, street in made.items()}


async def _loads(stack: Stack, receiver: Receiver, street: Street, apart: Street) -> tuple[Load, ...]:
    async with _fresh_dispatcher(stack) as dispatcher:
        bench = _Dispatch(stack, receiver, dispatcher, street)
        await fill(stack.servers.kafka_bootstrap, events(1, apart.org_ids))
        await bench.arrived(1)
        await stack.take_arrivals(receiver)
        rates = [await bench.at(rate) for rate in stack.plan.dispatch_rates]
        return (*rates, await bench.saturated())


@asynccontextmanager
async def _fresh_dispatcher(stack: Stack) -> AsyncIterator[Process]:
    async with stack.asking(DATABASE) as conn:
        await forget_all(conn)
    await stack.tidy(DATABASE)
    async with stack.service("webhook_dispatcher") as dispatcher:
        yield dispatcher


@dataclass(frozen=True)
class _Dispatch:
    """A dispatcher that knows nothing of a street yet."""

    stack: Stack
    receiver: Receiver
    dispatcher: Process
    street: Street

    @property
    def fan_out(self) -> int:
        """How many endpoints an event is for, good or bad."""
        return self.stack.plan.dispatch_endpoints // len(self.street.org_ids)

    async def at(self, rate: float) -> Load:
        """Have so many deliveries a second fall due."""
        plan, per_s = self.stack.plan, rate / self.fan_out
        skipped = int(per_s * plan.load_skipped_seconds)
        spec = topic_source.Spec(
            bootstrap=self.stack.servers.kafka_bootstrap,
            org_ids=list(self.street.org_ids),
            rate=per_s,
            count=skipped + int(per_s * plan.load_seconds),
        )
        meter, log = self._meter(), self.stack.log("topic_source")
        result = await child.measured("bench.programs.topic_source", spec, topic_source.Result, log=log)
        spans = await self._spans(result.dues)
        cost = meter.cost(len(spans))
        return at_rate(rate, [span for span in spans if span[0] >= result.dues[skipped][2]], cost)

    async def saturated(self) -> Load:
        """Fill the topic while the dispatcher is held, and let it go."""
        count = self.stack.plan.dispatch_deliveries // self.fan_out
        made = list(events(count, self.street.org_ids))
        with held([self.dispatcher.pid]):
            await fill(self.stack.servers.kafka_bootstrap, made)
            meter, began = self._meter(), time.time_ns() // 1000
        spans = await self._spans([(event.orgid, event.subject, began) for event in made])
        per_s = 1_000_000 * len(spans) / (max(done for _, done in spans) - began)
        return saturated(per_s, meter.cost(len(spans)))

    async def arrived(self, count: int) -> None:
        """Wait until so many have."""

        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= count

        await until(all_came, within=_ARRIVE_SECONDS)

    def _meter(self) -> CostMeter:
        return CostMeter({**self.stack.server_pids, DATABASE: self.dispatcher.pid})

    async def _spans(self, dues: Sequence[tuple[str, str, int]]) -> list[Span]:
        """Wait for what is due at the endpoints that answer; answers when each was due and when it arrived."""
        wanted = {resource: self.street.healthy.get(org_id, 0) for org_id, resource, _ in dues}
        await self.arrived(sum(wanted.values()))
        await asyncio.sleep(AFTERWARDS_SECONDS)
        arrivals: dict[str, list[int]] = defaultdict(list)
        for resource, at in await self.stack.take_arrivals(self.receiver):
            arrivals[resource].append(at)
        for resource, count in wanted.items():
            if len(arrivals[resource]) != count:
                raise child.ChildError(f"{resource} arrived {len(arrivals[resource])} times instead of {count}")
        return [(due, at) for _, resource, due in dues for at in arrivals[resource]]
