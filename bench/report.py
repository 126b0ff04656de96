"""The report of a run: Markdown with every figure, bar and raw round; a plot; and the figures as JSON.

Invariant: `latest.*` is the last run that was written into the folder; each run also keeps files under its own instant.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.measures.delivering import CONNECTIONS_AN_ENDPOINT, ENDPOINTS
from bench.percentiles import percentile
from bench.plot import draw
from bench.results import Results
from bench.rounds import Comparison

_LATEST = "latest"


@dataclass(frozen=True)
class Bar:
    """What a figure has to reach; `at_most` where less is better."""

    figure: str
    limit: float
    what: str
    at_most: bool = False

    def is_met(self, figures: Mapping[str, float]) -> bool:
        """Tell whether it is reached."""
        value = figures[self.figure]
        return value <= self.limit if self.at_most else value >= self.limit


BARS = (
    Bar("api_ratio", 0.5, "POST /api/v1/bookings, of a bare handler's rate"),
    Bar("relay_ratio", 0.5, "relay, of a bare producer's rate"),
    Bar("deliver_ratio", 0.4, "deliveries, of a bare client's rate"),
    Bar("deliver_latency_p50_ms", 15.0, "commit to first attempt, median, ms", at_most=True),
    Bar("deliver_latency_p99_ms", 40.0, "commit to first attempt, 99th percentile, ms", at_most=True),
)


def write(results: Results, folder: Path) -> str:
    """Write the report's files, and answer its text."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: round(value, 4) for name, value in results.figures().items()}
    now = datetime.now(UTC)
    for name in (f"{now:%Y-%m-%dT%H%M}", _LATEST):
        draw(results, folder / f"{name}.svg")
        (folder / f"{name}.json").write_text(json.dumps({"figures": figures}, indent=2) + "\n")
        text = "\n".join(_lines(results, figures, now, f"{name}.svg")) + "\n"
        (folder / f"{name}.md").write_text(text)
    return text


def _lines(results: Results, figures: Mapping[str, float], now: datetime, plot: str) -> Iterator[str]:
    yield "# Benchmark"
    yield f"\n{now:%Y-%m-%d %H:%M} UTC, `make bench`, {results.seconds:.0f} seconds. How to read it:"
    yield "[benchmarks.md](../../docs/benchmarks.md).\n"
    yield from _table(("machine", ""), list(results.machine.items()))
    yield "\n## Bars\n"
    yield from _table(("what", "figure", "bar", "measured", ""), [_bar(bar, figures) for bar in BARS])
    yield f"\n![Rates, latency, processor time and memory]({plot})"
    yield "\n## Rounds\n"
    yield "Slotwire and its reference took turns; medians count.\n"
    yield from _table(("what", "round", "Slotwire, 1/s", "reference, 1/s", "ratio"), list(_rounds(results)))
    yield f"\nThe generator of POSTs used at most {results.api.generator_share:.0%} of a processor."
    yield "\n## Deliveries\n"
    yield from _table(("load", "deliveries/s", "CPU ms each", *_TREES), list(_drains(results)))
    yield "\n## The whole journey\n"
    yield from _table(("load", "bookings delivered/s", "CPU ms each", *_TREES), list(_loads(results)))
    yield ""
    yield from _table(("latency at the fixed rate, ms", "p50", "p90", "p99", "max"), list(_latencies(results)))
    yield "\n## Memory\n"
    yield from _table(("process, with its children", "MiB (PSS)"), _memory(results))
    yield "\n## Figures\n"
    yield from _table(("figure", "value"), [(f"`{name}`", f"{value:g}") for name, value in figures.items()])


_TREES = ("postgres", "kafka", "booking", "webhook_dispatcher")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _bar(bar: Bar, figures: Mapping[str, float]) -> tuple[str, ...]:
    limit = f"at {'most' if bar.at_most else 'least'} {bar.limit:g}"
    return (
        bar.what,
        f"`{bar.figure}`",
        limit,
        f"{figures[bar.figure]:.2f}",
        "met" if bar.is_met(figures) else "**missed**",
    )


def _rounds(results: Results) -> Iterator[tuple[str, ...]]:
    yield from _turns("bookings posted", results.api.comparison)
    yield from _turns("records relayed", results.relay)
    yield from _turns("deliveries", results.delivering.comparison)


def _turns(what: str, comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for number, one in enumerate(comparison.rounds, 1):
        yield what, str(number), f"{one.ours:,.0f}", f"{one.bare:,.0f}", f"{one.ours / one.bare:.2f}"
    yield what, "median", f"{comparison.ours_per_s:,.0f}", f"{comparison.bare_per_s:,.0f}", f"{comparison.ratio:.2f}"


def _drains(results: Results) -> Iterator[tuple[str, ...]]:
    connections = f"at most {CONNECTIONS_AN_ENDPOINT} connections each"
    measured = results.delivering
    spread = f"{ENDPOINTS} organizations with an endpoint each, {connections}"
    yield spread, f"{measured.comparison.ours_per_s:,.0f}", *_costs(measured.cpu_ms)
    yield "one endpoint", f"{measured.one_endpoint.per_s:,.0f}", *_costs(measured.one_endpoint.cpu_ms)
    fanned = f"every event to {results.plan.fan_out} subscriptions"
    yield fanned, f"{measured.fan_out.per_s:,.0f}", *_costs(measured.fan_out.cpu_ms)


def _loads(results: Results) -> Iterator[tuple[str, ...]]:
    for what, load in (
        (f"{results.plan.rate:g} bookings a second", results.journey.steady),
        (f"saturated, {results.plan.connections} connections", results.journey.saturated),
    ):
        yield what, f"{load.per_s:,.0f}", *_costs(load.cpu_ms)


def _costs(cpu_ms: Mapping[str, float]) -> tuple[str, ...]:
    each = (f"{cpu_ms[name]:.3f}" if name in cpu_ms else "" for name in _TREES)
    return f"{sum(cpu_ms.values()):.3f}", *each


def _latencies(results: Results) -> Iterator[tuple[str, ...]]:
    latencies = results.journey.latencies
    for what, values in (("commit to arrival", latencies.from_commit), ("POST to arrival", latencies.from_post)):
        yield what, *(f"{percentile(values, share):.2f}" for share in (0.5, 0.9, 0.99, 1.0))


def _memory(results: Results) -> list[tuple[str, str]]:
    return [(name, f"{mib:.0f}") for name, mib in results.journey.memory.items()]
