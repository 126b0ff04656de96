"""The report's section of each part that was measured.

Invariant: a section tells what its part measured, as it was measured, and needs no other part.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psutil

from bench.growth import write_availability, write_backlog, write_lists
from bench.isolation import write_neighbours
from bench.measures import delivering, journey
from bench.measures.delivering import CONNECTIONS_AN_ENDPOINT, ENDPOINTS
from bench.plan import Plan
from bench.rounds import Comparison
from bench.syncing import write_calcom
from bench.tables import spread, table
from bench.waiting import write_waitlist

_TREES = ("postgres", "kafka", "booking", "webhook_dispatcher")


def sections(measured: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Write the lines of all sections."""
    compared = {what: of(measured[part]) for part, what, of in COMPARED if part in measured}
    if compared:
        yield from _rounds(compared)
    for part, write in _SECTIONS.items():
        if part in measured:
            yield from write(measured[part], plan)


COMPARED: tuple[tuple[str, str, Callable[[Any], Comparison]], ...] = (
    ("api", "bookings posted", lambda measured: measured.comparison),
    ("api_full", "bookings posted, every check", lambda measured: measured.comparison),
    ("relay", "records relayed", lambda measured: measured),
    ("deliveries", "deliveries", lambda measured: measured.single.comparison),
    ("deliveries", "deliveries, fan-out", lambda measured: measured.fan_out.comparison),
)
"""The parts with a reference: what is compared, and where."""


def _rounds(compared: Mapping[str, Comparison]) -> Iterator[str]:
    yield "\n## Rounds\n"
    yield "Slotwire and its reference took turns; medians count.\n"
    rows = [row for what, comparison in compared.items() for row in _turns(what, comparison)]
    yield from table(("what", "round", "Slotwire, 1/s", "reference, 1/s", "ratio"), rows)


def _turns(what: str, comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for number, one in enumerate(comparison.rounds, 1):
        yield what, str(number), f"{one.ours:,.0f}", f"{one.bare:,.0f}", f"{one.ours / one.bare:.2f}"
    yield what, "median", f"{comparison.ours_per_s:,.0f}", f"{comparison.bare_per_s:,.0f}", f"{comparison.ratio:.2f}"


def _deliveries(measured: delivering.Measured, plan: Plan) -> Iterator[str]:
    connections = f"at most {CONNECTIONS_AN_ENDPOINT} connections each"
    single, fan_out = measured.single, measured.fan_out
    loads = {
        f"{ENDPOINTS} organizations with an endpoint each, {connections}": (
            single.comparison.ours_per_s,
            single.cpu_ms,
        ),
        f"every event to {plan.fan_out} subscriptions": (fan_out.comparison.ours_per_s, fan_out.cpu_ms),
        "one endpoint": (measured.one_endpoint.per_s, measured.one_endpoint.cpu_ms),
        "as the first, by two dispatchers": (measured.two_processes.per_s, measured.two_processes.cpu_ms),
    }
    yield "\n## Deliveries\n"
    yield "Of the first two, medians. A second dispatcher is quicker only where it has a core of its own:"
    yield f"receiver, servers and dispatchers share {psutil.cpu_count()}.\n"
    rows = [(what, f"{per_s:,.0f}", *_costs(cpu_ms)) for what, (per_s, cpu_ms) in loads.items()]
    yield from table(("load", "deliveries/s", "CPU ms each", *_TREES), rows)


def _journey(measured: journey.Measured, plan: Plan) -> Iterator[str]:
    yield "\n## The whole journey\n"
    loads = {
        f"{plan.rate:g} bookings a second": measured.steady,
        f"saturated, {plan.connections} connections": measured.saturated,
    }
    rows = [(what, f"{load.per_s:,.0f}", *_costs(load.cpu_ms)) for what, load in loads.items()]
    yield from table(("load", "bookings delivered/s", "CPU ms each", *_TREES), rows)
    yield ""
    latencies = {
        "commit to arrival": measured.latencies.from_commit,
        "POST to arrival": measured.latencies.from_post,
    }
    spreads = [(what, *spread(values)) for what, values in latencies.items()]
    yield from table(("latency at the fixed rate, ms", "p50", "p90", "p99", "max"), spreads)
    yield "\n## Memory\n"
    memory = [(name, f"{mib:.0f}") for name, mib in measured.memory.items()]
    yield from table(("process, with its children", "MiB (PSS)"), memory)


def _costs(cpu_ms: Mapping[str, float]) -> tuple[str, ...]:
    each = (f"{cpu_ms[name]:.3f}" if name in cpu_ms else "" for name in _TREES)
    return f"{sum(cpu_ms.values()):.3f}", *each


_SECTIONS: dict[str, Callable[[Any, Plan], Iterator[str]]] = {
    "deliveries": _deliveries,
    "neighbours": write_neighbours,
    "backlog": write_backlog,
    "journey": _journey,
    "availability": write_availability,
    "lists": write_lists,
    "waitlist": write_waitlist,
    "calcom": write_calcom,
}
