"""Dispatchers that drain a full topic, and the bare client that posts the same bodies.

The dispatchers are held (SIGSTOP) while the topic is filled. Their clock runs from their release to the last settled
row, so reading, matching, writing events and deliveries, and settling are all in it. Processor time runs on for a while
after that: attempts are published and counted behind the deliveries, and cost what they cost.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import child
from bench.events import events
from bench.load import Cost, CostMeter
from bench.measures.streets import SUBSCRIPTIONS
from bench.measures.topic import fill, held
from bench.programs import bare_sender
from bench.stack import Process, Receiver, Stack, Tenant, until
from slotwire_contracts import ReservationEvent, encode

ENDPOINTS = 10
DATABASE = "webhook_dispatcher"
AFTERWARDS_SECONDS = 2.5  # attempts gather for a second, and what was counted of them is written every second
_SETTLE_SECONDS = 60.0
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
    """One round: deliveries settled a second, and what they cost."""

    per_s: float
    cost: Cost


def some(stack: Stack, tenants: Sequence[Tenant], *, share: int = 1) -> list[ReservationEvent]:
    """Make the events of one round, or of such a share of one; the organizations take turns."""
    return _events(stack.plan.deliveries // share, tenants)


def _events(count: int, tenants: Sequence[Tenant]) -> list[ReservationEvent]:
    return list(events(count, [tenant.org_id for tenant in tenants]))


@dataclass(frozen=True)
class Draining:
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
        await asyncio.sleep(AFTERWARDS_SECONDS)

    async def drain(self, made: Sequence[ReservationEvent], *, fan_out: int = 1) -> Drain:
        """Fill the topic, let the dispatchers go, and wait until all is settled."""
        await self.stack.take_arrivals(self.receiver)
        count, own = len(made) * fan_out, [one.pid for one in self.dispatchers]
        with held(own):
            await self.stack.tidy(DATABASE)
            await fill(self.stack.servers.kafka_bootstrap, made)
            meter, began = CostMeter({**self.stack.server_pids, **numbered(DATABASE, self.dispatchers)}), time.time()
        settled = await self._settled(began, count)
        await asyncio.sleep(AFTERWARDS_SECONDS)
        return Drain(count / (settled - began), meter.cost(count))

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


def numbered(name: str, processes: Sequence[Process]) -> dict[str, int]:
    """Name processes of one service: the first by the service, and the others by their numbers too."""
    return {name if number == 1 else f"{name} {number}": one.pid for number, one in enumerate(processes, 1)}
