"""The report's section of each part that was measured.

Invariant: a section tells what its part measured, as it was measured, and needs no other part.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.growth import write_availability, write_backlog, write_lists
from bench.isolation import write_neighbours
from bench.load_sections import (
    write_api_load,
    write_dispatch,
    write_journey,
    write_processes,
    write_relay_load,
    write_waitlist_load,
)
from bench.measures import delivering
from bench.measures.delivering import CONNECTIONS_AN_ENDPOINT
from bench.measures.draining import ENDPOINTS
from bench.plan import Plan
from bench.rounds import Comparison
from bench.syncing import write_calcom
from bench.tables import table
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
        "one endpoint": (measured.one_endpoint.per_s, measured.one_endpoint.cost.cpu_s),
    }
    yield "\n## Deliveries\n"
    yield "Of the first two, medians.\n"
    rows = [(what, f"{per_s:,.0f}", *_costs(cpu_ms)) for what, (per_s, cpu_ms) in loads.items()]
    yield from table(("load", "deliveries/s", "CPU ms each", *_TREES), rows)


def _costs(cpu_ms: Mapping[str, float]) -> tuple[str, ...]:
    each = (f"{cpu_ms[name]:.3f}" if name in cpu_ms else "" for name in _TREES)
    return f"{sum(cpu_ms.values()):.3f}", *each


_SECTIONS: dict[str, Callable[[Any, Plan], Iterator[str]]] = {
    "api_load": write_api_load,
    "relay_load": write_relay_load,
    "deliveries": _deliveries,
    "dispatch": write_dispatch,
    "processes": write_processes,
    "neighbours": write_neighbours,
    "backlog": write_backlog,
    "journey": write_journey,
    "availability": write_availability,
    "lists": write_lists,
    "waitlist": write_waitlist,
    "waitlist_load": write_waitlist_load,
    "calcom": write_calcom,
}
