"""Bad neighbours: what endpoints that hang or fail cost those that do not.

Two streets of endpoints at one receiver, each endpoint at a host and of an organization of its own. On the good street
all answer; on the bad one some never do, and some answer 500. The dispatcher is started anew for every load, on empty
tables, so that it knows nothing of either street: no breaker is open. Before a load begins it delivers one event to an
endpoint that is on neither. Two loads: a fixed rate, each event committed to an outbox and relayed, for the time from
commit to first attempt; and a topic that is full when the dispatcher starts, for the rate of deliveries.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from bench import child
from bench.events import events
from bench.many_deliveries import forget_all
from bench.measures import streets
from bench.measures.draining import DATABASE
from bench.measures.streets import Street, new_street
from bench.measures.topic import fill
from bench.percentiles import percentile
from bench.programs import event_source
from bench.stack import Receiver, Stack, until
from chassis.migrations import migrate

_SOURCE = "bench_source"
_POOL = 10  # a service's default
_ARRIVE_SECONDS = 90.0


@dataclass(frozen=True)
class Side:
    """What the healthy endpoints of a street got.

    Attributes:
        milliseconds: from commit to the first attempt's arrival, of every event.
        per_s: deliveries a second at saturation, of each round.
    """

    milliseconds: tuple[float, ...]
    per_s: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """Both streets."""

    good: Side
    bad: Side

    @property
    def p99_ratio(self) -> float:
        """The healthy ones' 99th percentile beside bad neighbours, as a multiple of what it is without."""
        return percentile(self.bad.milliseconds, 0.99) / percentile(self.good.milliseconds, 0.99)

    @property
    def throughput_ratio(self) -> float:
        """What all of them get at saturation beside bad neighbours, as a part of what all get without."""
        return median(self.bad.per_s) / median(self.good.per_s)


async def measure(stack: Stack) -> Measured:
    """Measure the fixed rate on both streets, then saturation in turns."""
    await migrate(stack.servers.postgres_url, _SOURCE, ["chassis"])
    async with stack.receiver(stack.plan.endpoints + 1) as receiver:
        town = await _town(stack, receiver)
        async with stack.asking(DATABASE) as conn:
            await forget_all(conn)
        good, bad = [await town.latencies(street) for street in (town.good, town.bad)]
        rounds = [
            [await town.rate(street) for street in (town.good, town.bad)] for _ in range(stack.plan.neighbours_rounds)
        ]
    return Measured(
        Side(good, tuple(without for without, _ in rounds)), Side(bad, tuple(beside for _, beside in rounds))
    )


@dataclass(frozen=True)
class _Town:
    """Both streets, and the organization of the endpoint that is on neither."""

    stack: Stack
    receiver: Receiver
    good: Street
    bad: Street
    apart: str

    async def latencies(self, street: Street) -> tuple[float, ...]:
        """Commit events at the plan's rate; answers the milliseconds until each healthy endpoint was tried."""
        async with self._fresh_dispatcher():
            await fill(self.stack.servers.kafka_bootstrap, events(1, [self.apart]))
            await self._arrived(1)
            await self.stack.take_arrivals(self.receiver)
            committed = await self._commit(street)
            await self._arrived(len(committed))
            arrived: dict[str, int] = {}
            for resource, at in await self.stack.take_arrivals(self.receiver):
                arrived.setdefault(resource, at)
        return tuple((arrived[resource] - at) / 1000 for resource, at in committed.items())

    async def rate(self, street: Street) -> float:
        """Have the dispatcher start on a full topic; answers deliveries a second to the healthy endpoints."""
        made = list(events(self.stack.plan.neighbours_events, street.org_ids))
        count = sum(event.orgid in street.healthy for event in made)
        await fill(self.stack.servers.kafka_bootstrap, made)
        async with self._fresh_dispatcher():
            await self._arrived(count)
            instants = [at for _, at in await self.stack.take_arrivals(self.receiver)]
        return 1_000_000 * count / (max(instants) - min(instants))

    async def _commit(self, street: Street) -> dict[str, int]:
        """Commit events of a street; answers when those for healthy endpoints were, by their resources."""
        plan = self.stack.plan
        spec = event_source.Spec(
            url=self.stack.url_of(_SOURCE),
            bootstrap=self.stack.servers.kafka_bootstrap,
            org_ids=list(street.org_ids),
            rate=plan.rate,
            count=int(plan.rate * plan.neighbours_seconds),
            pool_size=_POOL,
        )
        log = self.stack.log("event_source")
        result = await child.measured("bench.programs.event_source", spec, event_source.Result, log=log)
        return {resource: at for org_id, resource, at in result.commits if org_id in street.healthy}

    @asynccontextmanager
    async def _fresh_dispatcher(self) -> AsyncIterator[None]:
        await self.stack.tidy(DATABASE)
        async with self.stack.service("webhook_dispatcher"):
            yield
        await self.stack.take_arrivals(self.receiver)
        async with self.stack.asking(DATABASE) as conn:
            await forget_all(conn)

    async def _arrived(self, count: int) -> None:
        async def all_came() -> bool:
            return await self.stack.arrived(self.receiver) >= count

        await until(all_came, within=_ARRIVE_SECONDS)


async def _town(stack: Stack, receiver: Receiver) -> _Town:
    """Have organizations subscribe."""
    async with stack.service("webhook_dispatcher") as dispatcher:
        count = stack.plan.endpoints
        good, worse = [
            await new_street(stack, dispatcher, receiver, path, range(count)) for path in (streets.healthy, streets.bad)
        ]
        apart = await new_street(stack, dispatcher, receiver, streets.healthy, [count])
    return _Town(stack, receiver, good, worse, apart.org_ids[0])
