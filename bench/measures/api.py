"""POST /api/v1/bookings beside a bare handler, from the same generator over the same connections.

The service runs as it does in production: it checks keys and bodies, and its relay publishes while it answers. What is
posted is either as plain as can be, or a booking that every rule is checked for.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial

from bench import child
from bench.bookings import PATH
from bench.measures.checked_place import new_checked_place
from bench.measures.posting import NewPlace, Place, new_place, published
from bench.programs.bare_api import Model, Spec
from bench.rounds import Comparison, Round
from bench.stack import Process, Stack, until
from chassis.kafka import Consumer
from chassis.migrations import migrate
from devstack.ports import accepts, free_port
from slotwire_contracts import BOOKING_EVENTS

_DATABASE = "bench_bare"
_DEFAULT_POOL = 10  # of ServiceSettings

_RESOURCES = """
SELECT coalesce(t.location_id, r.owner_id) AS owner, array_agg(r.resource_no ORDER BY t.max_party, r.lane) AS numbers
FROM resources r LEFT JOIN tables t ON t.id = r.owner_id
WHERE coalesce(t.location_id, r.owner_id) = ANY ($1)
GROUP BY 1
"""


@dataclass(frozen=True)
class Measured:
    """The comparison, and the greatest share of one processor that the generator used."""

    comparison: Comparison
    generator_share: float


async def measure(stack: Stack, new_place: NewPlace = new_place) -> Measured:
    """Let the service and the bare handler take turns."""
    async with stack.service("booking") as booking:
        ours = await new_place(stack, booking, await stack.tenant())
        async with _bare(stack, ours) as bare:
            for place in (ours, bare):
                await place.load(seconds=stack.plan.warm_up_seconds)
            rounds, shares = [], []
            for _ in range(stack.plan.rounds):
                turns = [await _turn(stack, place) for place in (ours, bare)]
                rounds.append(Round(*(rate for rate, _ in turns)))
                shares += [share for _, share in turns]
    return Measured(Comparison(tuple(rounds)), max(shares))


measure_full = partial(measure, new_place=new_checked_place)
"""Do the same with bookings that every rule is checked for."""


async def _turn(stack: Stack, place: Place) -> tuple[float, float]:
    await published(stack)
    await stack.tidy("booking", _DATABASE)
    result = await place.load(seconds=stack.plan.api_seconds)
    return result.answered / result.seconds, result.cpu_seconds / result.seconds


@asynccontextmanager
async def _bare(stack: Stack, ours: Place) -> AsyncIterator[Place]:
    """Run the bare handler, which imitates bookings that the service makes here."""
    await migrate(stack.servers.postgres_url, _DATABASE, ["chassis", "booking"])
    port = free_port()
    spec = await _spec(stack, ours, port)
    log = stack.log("bare_api")
    async with child.running("bench.programs.bare_api", json.dumps(asdict(spec)), log=log) as leashed:
        await until(lambda: asyncio.to_thread(accepts, port))
        yield Place(stack, Process(leashed.pid, port), ours.tenant, ours.series, ours.following)


async def _spec(stack: Stack, ours: Place, port: int) -> Spec:
    models = [asdict(await _model(stack, ours)) for _ in range(ours.series.kinds)]
    owners = [*ours.series.schedules, *ours.series.locations]
    async with stack.asking("booking") as conn:
        resources = {row["owner"]: row["numbers"] for row in await conn.fetch(_RESOURCES, owners)}
    return Spec(
        port=port,
        pool_size=_DEFAULT_POOL,
        model_url=stack.url_of("booking"),
        url=stack.url_of(_DATABASE),
        models=models,
        resources=resources,
    )


async def _model(stack: Stack, ours: Place) -> Model:
    """Make the place's next booking."""
    made = await stack.make(ours.process, ours.tenant, PATH, json.loads(ours.series.body(ours.following)))
    ours.following += 1
    event_id = await stack.value("booking", "SELECT last_event_id FROM bookings WHERE id = $1", made["id"])
    answer = json.dumps({"data": made}, separators=(",", ":"))
    return Model(made["id"], event_id, answer, await _event(stack, made["id"]))


async def _event(stack: Stack, booking_id: str) -> str:
    """Find the event that told of a booking, on its topic."""
    bootstrap = stack.servers.kafka_bootstrap
    async with Consumer.connected(bootstrap, [BOOKING_EVENTS.name], group=None) as consumer:
        while records := await consumer.fetch(at_most=1_000, wait_seconds=5.0):
            for record in records:
                if record.key == booking_id.encode():
                    return record.value.decode()
    raise child.ChildError(f"no event told of {booking_id}")
