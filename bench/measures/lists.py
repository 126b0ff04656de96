"""The first page of lists of bookings, of organizations with many, very many and far too many of them.

Narrow filters find up to a thousand bookings, however many there are; wide ones find a part of them all. Every list
tells its exact total. Invariant: the bookings of one size are the only ones in the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from urllib.parse import urlencode

from bench import child, many_bookings
from bench.bookings import PATH
from bench.list_queries import Queries, queries
from bench.measures.list_plans import explain
from bench.percentiles import percentile
from bench.programs import reader
from bench.stack import Process, Stack, Tenant

_FEW = 1_000
_FOLLOWED = "/v1/reservations"


@dataclass(frozen=True)
class Timed:
    """A list: how many bookings were found, and milliseconds of each answer."""

    found: int
    milliseconds: tuple[float, ...]


@dataclass(frozen=True)
class Size:
    """An organization.

    Attributes:
        bookings: how many it has.
        fill_seconds: how long it took to make them.
        narrow: lists that find up to a thousand, by their filters.
        wide: lists that find more, the more there are.
        followed: `GET /v1/reservations`, by what was updated since when.
    """

    bookings: int
    fill_seconds: float
    narrow: dict[str, Timed]
    wide: dict[str, Timed]
    followed: dict[str, Timed]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        sizes: the one with the fewest bookings first.
        plans: for the last of them how PostgreSQL finds what each narrow list tells.
    """

    sizes: tuple[Size, ...]
    plans: dict[str, tuple[str, ...]]


def growth(name: str, timed: Sequence[Mapping[str, Timed]]) -> float:
    """Tell the median time of a list of the largest size as a multiple of that of the smallest."""
    least, most = (percentile(size[name].milliseconds, 0.5) for size in (timed[0], timed[-1]))
    return most / least


async def measure(stack: Stack) -> Measured:
    """Measure each size alone."""
    sizes = []
    async with stack.service("booking") as booking:
        for rows in stack.plan.list_sizes:
            tenant, now = await stack.tenant(), datetime.now(UTC)
            fill_seconds = await _fill(stack, tenant, rows, now)
            size = Size(rows, fill_seconds, **await _read(stack, booking, tenant, queries(now)))
            assert all(0 < timed.found <= _FEW for timed in size.narrow.values()), size.narrow
            sizes.append(size)
        plans = await explain(stack.url_of("booking"), tenant.org_id, queries(now), datetime.now(UTC))
    await stack.value("booking", "TRUNCATE bookings")
    return Measured(tuple(sizes), plans)


async def _fill(stack: Stack, tenant: Tenant, rows: int, now: datetime) -> float:
    began = monotonic()
    async with stack.asking("booking") as conn:
        await many_bookings.fill(conn, rows, now, tenant.org_id)
    await stack.tidy("booking")
    return monotonic() - began


async def _read(stack: Stack, process: Process, tenant: Tenant, asked: Queries) -> dict[str, dict[str, Timed]]:
    few, many = stack.plan.wide_list_reads, stack.plan.list_reads
    kinds = {
        "narrow": (PATH, asked.narrow, many),
        "wide": (PATH, asked.wide, few),
        "followed": (_FOLLOWED, asked.followed, many),
    }
    read = {}
    for kind, (path, lists, times) in kinds.items():
        paths = {name: f"{path}?{urlencode(query)}" for name, query in lists.items()}
        spec = reader.Spec(port=process.port, key=tenant.key, paths=paths, times=times)
        result = await child.measured("bench.programs.reader", spec, reader.Result, log=stack.log("reader"))
        read[kind] = {name: Timed(result.found[name], tuple(result.milliseconds[name])) for name in paths}
    return read
