"""The report of a run: Markdown with every figure, bar and raw round; a plot; and the figures as JSON.

Invariant: `latest.*` is the last run that was written into the folder; each run also keeps files under its own instant.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.plot import draw
from bench.results import Results
from bench.sections import sections
from bench.tables import table

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
    Bar("api_full_ratio", 0.4, "the same with every check, of a bare handler's rate"),
    Bar("relay_ratio", 0.5, "relay, of a bare producer's rate"),
    Bar("deliver_ratio", 0.5, "deliveries, of a bare client's rate"),
    Bar("deliver_fan_out_ratio", 0.5, "the same where every event has ten subscriptions"),
    Bar("cpu_ms_per_delivery", 0.25, "processor time of a delivery, ms", at_most=True),
    Bar(
        "healthy_p99_ratio",
        1.5,
        "commit to first attempt beside endpoints that hang, of what it is without",
        at_most=True,
    ),
    Bar("healthy_throughput_ratio", 0.9, "deliveries beside endpoints that hang, of their rate without"),
    Bar("backlog_1m_rss_mib", 400.0, "memory with 1,000,000 deliveries waiting, MiB", at_most=True),
    Bar("deliver_latency_p50_ms", 6.0, "commit to first attempt, median, ms", at_most=True),
    Bar("deliver_latency_p99_ms", 15.0, "commit to first attempt, 99th percentile, ms", at_most=True),
    Bar(
        "availability_month_p99_ms", 20.0, "free time of a month with 2,000 bookings, 99th percentile, ms", at_most=True
    ),
    Bar("waitlist_all_offered_s", 5.0, "50 places that fall free at once, until the last is offered, s", at_most=True),
    Bar("waitlist_growth_by_other_dates", 1.5, "a match beside 10,000 who wait for other dates", at_most=True),
    Bar("calcom_second_requests", 3.0, "requests of a sync asked for again, nothing changed", at_most=True),
    Bar("calcom_incremental_requests", 3.0, "requests of what is read by itself, nothing changed", at_most=True),
)


def write(results: Results, folder: Path) -> str:
    """Write the report's files, and answer its text."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = json.dumps({"figures": _figures(results)}, indent=2)
    now = datetime.now(UTC)
    for name in (f"{now:%Y-%m-%dT%H%M}", _LATEST):
        draw(results, folder / f"{name}.svg")
        (folder / f"{name}.json").write_text(f"{figures}\n")
        (folder / f"{name}.md").write_text(text(results, f"{name}.svg"))
    return (folder / f"{_LATEST}.md").read_text()


def text(results: Results, plot: str | None = None) -> str:
    """Write the report of what was measured; with a plot, when there is one."""
    return "\n".join(_lines(results, _figures(results), datetime.now(UTC), plot)) + "\n"


def _figures(results: Results) -> dict[str, float]:
    return {name: round(value, 4) for name, value in results.figures().items()}


def _lines(results: Results, figures: Mapping[str, float], now: datetime, plot: str | None) -> Iterator[str]:
    yield "# Benchmark"
    yield f"\n{now:%Y-%m-%d %H:%M} UTC, `make bench`, {results.seconds:.0f} seconds. How to read it:"
    yield "[benchmarks.md](../../docs/benchmarks.md).\n"
    yield from table(("machine", ""), list(results.machine.items()))
    yield "\n## Bars\n"
    bars = [_bar(bar, figures) for bar in BARS if bar.figure in figures]
    yield from table(("what", "figure", "bar", "measured", ""), bars)
    if plot is not None:
        yield f"\n![Rates, latency, processor time, memory and growth]({plot})"
    yield from sections(results.measured, results.plan)
    yield "\n## Figures\n"
    yield from table(("figure", "value"), [(f"`{name}`", f"{value:g}") for name, value in figures.items()])


def _bar(bar: Bar, figures: Mapping[str, float]) -> tuple[str, ...]:
    limit = f"at {'most' if bar.at_most else 'least'} {bar.limit:g}"
    return (
        bar.what,
        f"`{bar.figure}`",
        limit,
        f"{figures[bar.figure]:.2f}",
        "met" if bar.is_met(figures) else "**missed**",
    )
