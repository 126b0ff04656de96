"""The report's section on what endpoints that hang cost the others."""

from collections.abc import Iterator
from statistics import median

from bench.measures import neighbours
from bench.measures.streets import FAILING_EACH, HANGING_EACH
from bench.plan import Plan
from bench.tables import spread, table


def write_neighbours(measured: neighbours.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of bad neighbours."""
    yield "\n## Bad neighbours\n"
    yield f"{plan.endpoints} endpoints. Beside bad neighbours one in {HANGING_EACH} hangs until the timeout, one in"
    yield f"{FAILING_EACH} answers 500, and what is told is of the others. Each load meets a dispatcher that has just"
    yield "started.\n"
    streets = {"all healthy": measured.good, "beside bad neighbours": measured.bad}
    heads = (
        f"commit to arrival at {plan.rate:g} events/s for {plan.neighbours_seconds:g} s, ms",
        "p50",
        "p90",
        "p99",
        "max",
    )
    yield from table(heads, [(what, *spread(side.milliseconds)) for what, side in streets.items()])
    yield ""
    rounds = [str(number) for number in range(1, plan.neighbours_rounds + 1)]
    rows = [
        (what, *(f"{per_s:,.0f}" for per_s in side.per_s), f"{median(side.per_s):,.0f}")
        for what, side in streets.items()
    ]
    yield from table((f"healthy deliveries/s out of {plan.neighbours_events:,} events", *rounds, "median"), rows)
