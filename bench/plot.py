"""The plot of a run: rates beside their references, latency, processor time and memory.

Invariant: the picture shows what the report's tables say and computes nothing of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bench.load_plot import draw_loads
from bench.measures import availability, backlog, delivering, journey, lists, neighbours
from bench.percentiles import percentile
from bench.plan import Plan
from bench.results import Results
from bench.rounds import Comparison
from bench.sections import COMPARED

_OURS, _BARE = "#1f6feb", "#9aa4b2"
_COLOURS = {"postgres": "#336791", "kafka": "#8a6d3b", "booking": "#1f6feb", "webhook_dispatcher": "#2da44e"}


def draw(results: Results, path: Path) -> None:
    """Draw a run into an SVG file."""
    figure = Figure(figsize=(13, 23), layout="constrained")
    (rates, latency), (processor, memory), (isolation, waiting), (free_time, listed), *loads = figure.subplots(7, 2)
    measured, plan = results.measured, results.plan
    _draw_rates(rates, {what: of(measured[part]) for part, what, of in COMPARED})
    _draw_latency(latency, measured["journey"], plan)
    _draw_isolation(isolation, measured["neighbours"], plan)
    _draw_backlog(waiting, measured["backlog"])
    _draw_processor(processor, measured["deliveries"], measured["journey"], plan)
    _draw_memory(memory, measured["journey"])
    _draw_free_time(free_time, measured["availability"])
    _draw_lists(listed, measured["lists"])
    draw_loads([axes for pair in loads for axes in pair], measured)
    figure.savefig(path, metadata={"Date": None})


def _draw_rates(axes: Any, compared: Mapping[str, Comparison]) -> None:
    for row, comparison in enumerate(compared.values()):
        axes.barh(row - 0.2, 1.0, 0.36, color=_BARE)
        axes.barh(row + 0.2, comparison.ratio, 0.36, color=_OURS)
        axes.text(0.02, row - 0.2, f"reference: {comparison.bare_per_s:,.0f}/s", va="center")
        told = f"{comparison.ratio:.2f}: {comparison.ours_per_s:,.0f}/s"
        axes.text(0.02, row + 0.2, told, va="center", color="white")
    axes.set_yticks(range(len(compared)), list(compared))
    axes.invert_yaxis()
    axes.set_title("Rate as a part of the bare reference's")


def _draw_latency(axes: Any, measured: journey.Measured, plan: Plan) -> None:
    latencies = measured.latencies
    _draw_shares(axes, {"from commit": latencies.from_commit, "from POST": latencies.from_post})
    axes.set_title(f"Latency at {plan.rate:g} bookings a second")


def _draw_isolation(axes: Any, measured: neighbours.Measured, plan: Plan) -> None:
    _draw_shares(axes, {"all healthy": measured.good.milliseconds, "beside bad neighbours": measured.bad.milliseconds})
    axes.set_title(f"Healthy endpoints at {plan.rate:g} events a second, from commit")


def _draw_shares(axes: Any, latencies: Mapping[str, Sequence[float]]) -> None:
    for what, values in latencies.items():
        shares = [(number + 1) / len(values) for number in range(len(values))]
        axes.plot(sorted(values), shares, label=what)
    axes.axhline(0.99, color=_BARE, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds until the first attempt arrives")
    axes.set_ylabel("share")
    axes.legend()


def _draw_backlog(axes: Any, measured: backlog.Measured) -> None:
    waiting = [size.deliveries for size in measured.sizes]
    axes.plot(waiting, [size.claim_ms for size in measured.sizes], marker="o", color=_OURS, label="claim, ms")
    axes.plot(waiting, [size.peak_mib for size in measured.sizes], marker="o", color=_BARE, label="memory, MiB")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("deliveries that wait")
    axes.set_title("A backlog: a claim's time, and memory")
    axes.legend()


def _draw_processor(axes: Any, delivered: delivering.Measured, travelled: journey.Measured, plan: Plan) -> None:
    loads = {
        "a delivery": delivered.single.cpu_ms,
        f"a delivery,\nfan-out {plan.fan_out}": delivered.fan_out.cpu_ms,
        "a booking delivered,\nsaturated": travelled.saturated.cost.cpu_s,
        f"a booking delivered,\nat {plan.rate:g}/s": travelled.steady.cost.cpu_s,
    }
    below = dict.fromkeys(loads, 0.0)
    for name, colour in _COLOURS.items():
        heights = [costs.get(name, 0.0) for costs in loads.values()]
        axes.bar(list(loads), heights, bottom=list(below.values()), color=colour, label=name)
        below = {what: base + height for (what, base), height in zip(below.items(), heights, strict=True)}
    axes.set_ylabel("milliseconds")
    axes.set_title("Processor time")
    axes.legend()


def _draw_memory(axes: Any, measured: journey.Measured) -> None:
    memory = measured.saturated.cost.memory_mib
    bars = axes.bar(list(memory), list(memory.values()), color=[_COLOURS[name] for name in memory])
    axes.bar_label(bars, fmt="%.0f")
    axes.set_ylabel("MiB (PSS)")
    axes.set_title("Memory")


def _draw_free_time(axes: Any, measured: availability.Measured) -> None:
    bookings = [size.bookings for size in measured.sizes]
    for what, share, style in (("p50", 0.5, "-"), ("p99", 0.99, "--")):
        values = [percentile(size.milliseconds, share) for size in measured.sizes]
        axes.plot(bookings, values, style, marker="o", color=_OURS, label=what)
    _set_growth(axes, "Free time of a month")
    axes.legend()


def _draw_lists(axes: Any, measured: lists.Measured) -> None:
    bookings = [size.bookings for size in measured.sizes]
    kinds = {
        "up to a thousand found": (_OURS, [size.narrow for size in measured.sizes]),
        "a part of all found": (_BARE, [size.wide for size in measured.sizes]),
    }
    for what, (colour, timed) in kinds.items():
        for number, name in enumerate(timed[0]):
            values = [percentile(size[name].milliseconds, 0.5) for size in timed]
            axes.plot(bookings, values, marker="o", linewidth=0.8, color=colour, label=None if number else what)
    axes.set_yscale("log")
    _set_growth(axes, "A list's first page and total, by filters, p50")
    axes.legend()


def _set_growth(axes: Any, title: str) -> None:
    axes.set_xscale("log")
    axes.set_xlabel("bookings")
    axes.set_ylabel("milliseconds")
    axes.set_ylim(bottom=0 if axes.get_yscale() == "linear" else None)
    axes.set_title(title)
