"""The report's section on another system."""

from collections.abc import Iterator, Sequence

from bench.load_sections import cost_table
from bench.measures.taken import Taken
from bench.other_system import OtherSystem
from bench.plan import Plan
from bench.tables import spread, table

_NONE = ("",) * 4


def write_other(system: OtherSystem, measured: Sequence[Taken], plan: Plan) -> Iterator[str]:
    """Write the section of another system."""
    yield f"\n## {system.name}\n"
    yield f"Each rate for {plan.load_seconds:g} s, after {plan.load_skipped_seconds:g} s that do not count; then as"
    yield f"fast as requests are answered, over {plan.connections} connections. A webhook counts for the request whose"
    yield "marker it carries, when it first arrives; it is missing when it has not come and no other has for"
    yield f"{plan.other_patience_seconds:g} s.\n"
    counts = [(one.load.name, *(f"{each:,}" for each in _counts(one))) for one in measured]
    yield from table(("load", "requests", "refused", "arrived", "missing", "more than once"), counts)
    yield ""
    rows = [(one.load.name, f"{one.load.per_s:,.0f}", *_answered(one), *_arrived(one)) for one in measured]
    heads = ("load", "arrived/s", "due to answer, ms: p50", "p90", "p99", "max")
    yield from table((*heads, "due to arrival, ms: p50", "p90", "p99", "max"), rows)
    if system.processes:
        yield ""
        yield from cost_table("webhooks", {one.load.name: one.load for one in measured})


def _counts(one: Taken) -> tuple[int, ...]:
    return one.sent, one.refused, one.sent - one.refused - one.missing, one.missing, one.repeated


def _answered(one: Taken) -> tuple[str, ...]:
    return _NONE if one.load.rate is None else spread(one.answered_ms)


def _arrived(one: Taken) -> tuple[str, ...]:
    return _NONE if one.load.rate is None else spread(one.load.milliseconds)
