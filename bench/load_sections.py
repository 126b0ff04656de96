"""The report's sections on loads: at fixed rates, at saturation, and by several processes.

Invariant: what stands beside a load was measured in that load.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import psutil

from bench.load import Load, Loads
from bench.measures import journey, processes
from bench.plan import Plan
from bench.tables import spread, table

_NONE = ("",) * 4  # of what has no latency


def write_api_load(measured: Loads, plan: Plan) -> Iterator[str]:
    """Write the section of bookings posted at fixed rates."""
    yield "\n## Bookings posted at fixed rates\n"
    yield f"Each rate for {plan.load_seconds:g} s, from when a POST was due to the last byte of its answer;"
    yield f"{plan.connections} connections. Processor time is told until the relay has published it all.\n"
    yield from _rows("bookings", _named(measured))


def write_relay_load(measured: Loads, plan: Plan) -> Iterator[str]:
    """Write the section of the relay at fixed rates."""
    yield "\n## Rows relayed at fixed rates\n"
    yield f"Each rate for {plan.load_seconds:g} s, from when a row was due to be committed to its record's arrival at a"
    yield f"reader of the topic; at most {plan.relay_commits:g} commits a second, beyond which rows share one.\n"
    yield from _rows("rows", _named(measured))


def write_dispatch(measured: Loads, plan: Plan) -> Iterator[str]:
    """Write the section of deliveries at fixed rates."""
    yield "\n## Deliveries at fixed rates\n"
    yield f"{plan.dispatch_endpoints} endpoints: all healthy; or one in 10 hangs; or one in 100 answers 500. Each rate"
    yield f"for {plan.load_seconds:g} s, from when an event was due on the topic to its arrival; saturation out of a"
    yield "full topic. What is told is of the endpoints that answer: where some do not, fewer are delivered than fall"
    yield f"due. Fan out: {plan.fan_out} endpoints an event.\n"
    yield from _rows("deliveries", _named(measured, "dispatch_"))


def write_waitlist_load(measured: Loads, plan: Plan) -> Iterator[str]:
    """Write the section of places that fall free at fixed rates."""
    yield "\n## Places that fall free at fixed rates\n"
    yield f"For {plan.waitlist_dates} queues in turns, each rate for {plan.load_seconds:g} s: from when a cancellation"
    yield f"was due to the commit of the offer of its place. Saturation: {plan.waitlist_burst} at once.\n"
    yield from _rows("offers", _named(measured))


def write_journey(measured: journey.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of the whole journey."""
    yield "\n## The whole journey\n"
    yield f"{plan.rate:g} bookings a second for {plan.latency_seconds:g} s:\n"
    latencies = {"commit to arrival": measured.latencies.from_commit, "POST to arrival": measured.latencies.from_post}
    spreads = [(what, *spread(values)) for what, values in latencies.items()]
    yield from table(("latency, ms", "p50", "p90", "p99", "max"), spreads)
    yield f"\nAt other rates for {plan.load_seconds:g} s each, from when the POST was due to the arrival:\n"
    yield from _rows("bookings delivered", {load.name: load for load in measured.loads})


def write_processes(measured: processes.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of several processes."""
    yield "\n## Two processes\n"
    yield "Saturated, medians. A second process is quicker only where it has a core of its own: what makes the load,"
    yield f"servers and services share {psutil.cpu_count()}. Deliveries: {plan.deliveries:,} out of a full topic.\n"
    kinds = {"deliveries": measured.dispatchers, "bookings": measured.bookings}
    rows = [
        (what, str(number), f"{load.per_s:,.0f}", f"{load.per_s / loads[0].per_s:.2f}")
        for what, loads in kinds.items()
        for number, load in enumerate(loads, 1)
    ]
    yield from table(("what", "processes", "a second", "beside one"), rows)
    for what, loads in kinds.items():
        yield ""
        yield from cost_table(what, {f"{number}": load for number, load in enumerate(loads, 1)})


def load_table(done: str, loads: Mapping[str, Load]) -> Iterator[str]:
    """Write what was done, and how long each took from when it was due."""
    rows = [
        (what, f"{load.per_s:,.0f}", *(spread(load.milliseconds) if load.milliseconds else _NONE))
        for what, load in loads.items()
    ]
    yield from table(("load", f"{done}/s", "from due, ms: p50", "p90", "p99", "max"), rows)


def cost_table(done: str, loads: Mapping[str, Load]) -> Iterator[str]:
    """Write the processor time of each process, and its memory."""
    names = _in_order(load.cost.cpu_s for load in loads.values())
    heads = ("load", f"CPU s for 1,000 {done}", *names, *(f"{name}, MiB" for name in names))
    yield from table(heads, [(what, *_costs(load, names)) for what, load in loads.items()])


def _rows(done: str, loads: Mapping[str, Load]) -> Iterator[str]:
    yield from load_table(done, loads)
    yield ""
    yield from cost_table(done, loads)


def _named(measured: Loads, prefix: str = "") -> dict[str, Load]:
    return {
        " ".join(filter(None, (what.removeprefix(prefix).replace("_", " ") if prefix else "", load.name))): load
        for what, loads in measured.items()
        for load in loads
    }


def _in_order(costs: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for cost in costs for name in cost))


def _costs(load: Load, names: Sequence[str]) -> tuple[str, ...]:
    cpu_s, memory = load.cost.cpu_s, load.cost.memory_mib
    return (
        f"{sum(cpu_s.values()):.3f}",
        *(f"{cpu_s[name]:.3f}" if name in cpu_s else "" for name in names),
        *(f"{memory[name]:.0f}" if name in memory else "" for name in names),
    )
