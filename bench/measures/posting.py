"""Where bookings are posted to, and who posts them.

Invariant: no booking is posted twice to one place: numbers go on from one load to the next.
"""

from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any

from bench import child
from bench.bookings import PlainSeries
from bench.checked_bookings import CheckedSeries
from bench.programs import generator
from bench.stack import Process, Stack, Tenant, until

_SCHEDULES = 50
_CAPACITY = 4


@dataclass
class Place:
    """A server of bookings, those that are posted there, and the number of the next one.

    Attributes:
        more: processes that serve the same, if any: they share the connections.
    """

    stack: Stack
    process: Process
    tenant: Tenant
    series: PlainSeries | CheckedSeries
    following: int = 0
    more: tuple[Process, ...] = ()

    async def load(self, *, seconds: float, rate: float | None = None, skipped: float = 0.0) -> generator.Result:
        """Post bookings for some seconds; at a rate, or as fast as they are answered."""
        plan = self.stack.plan
        spec = generator.Spec(
            ports=[one.port for one in (self.process, *self.more)],
            key=self.tenant.key,
            series=self.series.name,
            fields=asdict(self.series),
            first=self.following,
            connections=plan.connections,
            seconds=seconds,
            rate=rate,
            skipped=skipped,
        )
        log = self.stack.log("generator")
        result = await child.measured("bench.programs.generator", spec, generator.Result, log=log)
        self.following = result.following
        return result


NewPlace = Callable[[Stack, Process, Tenant], Coroutine[Any, Any, Place]]


async def new_place(stack: Stack, process: Process, tenant: Tenant) -> Place:
    """Make schedules to book at."""
    settings = {"name": "Bench", "timezone": "America/Los_Angeles", "capacity": _CAPACITY}
    made = [await stack.make(process, tenant, "/api/v1/schedules", settings) for _ in range(_SCHEDULES)]
    return Place(stack, process, tenant, PlainSeries([schedule["id"] for schedule in made]))


async def published(stack: Stack) -> None:
    """Wait until the booking service has nothing left to publish: no other load is to pay for it."""

    async def nothing_left() -> bool:
        return bool(await stack.value("booking", "SELECT NOT EXISTS (SELECT FROM outbox)"))

    await until(nothing_left)
