"""The report's sections on what grows with the number of bookings, or of deliveries that wait."""

from collections.abc import Iterator, Mapping, Sequence

from bench.bookings import MINUTES
from bench.measures import availability, backlog, lists
from bench.measures.draining import ENDPOINTS
from bench.percentiles import percentile
from bench.plan import Plan
from bench.tables import spread, table


def write_availability(measured: availability.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of free time."""
    yield "\n## Free time of a month\n"
    yield f"{availability.DAYS} days in slots of {MINUTES} minutes, of schedules with a capacity of"
    yield f"{availability.CAPACITY}; {plan.availability_reads} requests each, one after another, in turns.\n"
    least = percentile(measured.sizes[0].milliseconds, 0.5)
    rows = [
        (
            f"{size.bookings:,}",
            f"{size.slots:,}",
            *spread(size.milliseconds),
            f"{percentile(size.milliseconds, 0.5) / least:.2f}",
        )
        for size in measured.sizes
    ]
    heads = ("bookings in it", "slots found", "p50, ms", "p90", "p99", "max", "p50 beside the first's")
    yield from table(heads, rows)


def write_lists(measured: lists.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of lists."""
    sizes = measured.sizes
    yield "\n## Lists of bookings\n"
    filled = ", ".join(f"{size.fill_seconds:.0f}" for size in sizes)
    yield "The first page and the exact total, of one organization's bookings, which are all there are; requests one"
    yield f"after another, in turns. Making them took {filled} seconds.\n"
    yield f"Filters that find up to a thousand, {plan.list_reads} requests each:\n"
    yield from _lists([size.bookings for size in sizes], [size.narrow for size in sizes])
    yield f"\nFilters that find a part of all, {plan.wide_list_reads} requests each:\n"
    yield from _lists([size.bookings for size in sizes], [size.wide for size in sizes])
    yield f"\n`GET /v1/reservations`, {plan.list_reads} requests each; what is found is the first page:\n"
    yield from _lists([size.bookings for size in sizes], [size.followed for size in sizes])
    yield f"\nHow PostgreSQL finds them among {sizes[-1].bookings:,}, in the lines of EXPLAIN (ANALYZE):\n"
    yield "```text"
    for name, lines in measured.plans.items():
        yield name
        yield from (f"    {line}" for line in lines)
    yield "```"


def write_backlog(measured: backlog.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of the backlog."""
    yield "\n## A backlog\n"
    yield f"Deliveries of {ENDPOINTS * plan.fan_out} subscriptions that wait when the dispatcher starts; it drains for"
    yield f"{plan.backlog_seconds:g} seconds at most.\n"
    rows = [
        (
            f"{size.deliveries:,}",
            f"{size.per_s:,.0f}",
            f"{size.batches:,}",
            f"{size.claim_ms:.1f}",
            f"{size.claim_ms / measured.sizes[0].claim_ms:.2f}",
            f"{size.peak_mib:.0f}",
        )
        for size in measured.sizes
    ]
    heads = ("waiting", "deliveries/s", "batches claimed", "ms each, mean", "beside the first's", "peak RSS, MiB")
    yield from table(heads, rows)


def _lists(sizes: Sequence[int], timed: Sequence[Mapping[str, lists.Timed]]) -> Iterator[str]:
    heads = [head for size in sizes for head in (f"found of {size:,}", "p50, ms", "p99, ms")]
    yield from table(("filters", *heads, "p50 beside the first's"), [_list(name, timed) for name in timed[0]])


def _list(name: str, timed: Sequence[Mapping[str, lists.Timed]]) -> tuple[str, ...]:
    cells = [
        cell
        for size in timed
        for cell in (
            f"{size[name].found:,}",
            *(f"{percentile(size[name].milliseconds, share):.2f}" for share in (0.5, 0.99)),
        )
    ]
    return f"`{name}`", *cells, f"{lists.growth(name, timed):.2f}"
