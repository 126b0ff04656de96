"""The plots of loads at fixed rates, and of several processes.

Invariant: as of the other plots: they show what the tables say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.load import Load, Loads
from bench.measures import processes
from bench.percentiles import percentile

_COLOURS = ("#1f6feb", "#2da44e", "#d1242f", "#8a6d3b", "#8250df", "#336791")


def draw_loads(axes: Sequence[Any], measured: Mapping[str, Any]) -> None:
    """Draw them into six places."""
    loads: dict[str, Loads] = {
        "Bookings posted, due to answer": measured["api_load"],
        "Rows, due to arrival at a reader": measured["relay_load"],
        "Events, due to arrival": measured["dispatch"],
        "Bookings, due POST to arrival": {"journey": measured["journey"].loads},
        "Cancellations, due to commit of the offer": measured["waitlist_load"],
    }
    for place, (title, lines) in zip(axes, loads.items(), strict=False):
        _draw_rates(place, title, lines)
    _draw_processes(axes[len(loads)], measured["processes"])


def _draw_rates(axes: Any, title: str, lines: Loads) -> None:
    for (what, loads), colour in zip(lines.items(), _COLOURS, strict=False):
        paced = [load for load in loads if load.milliseconds]
        rates = [load.rate for load in paced]
        axes.plot(rates, [percentile(load.milliseconds, 0.5) for load in paced], "--", marker=".", color=colour)
        tail = [percentile(load.milliseconds, 0.99) for load in paced]
        axes.plot(rates, tail, marker="o", color=colour, label=f"{what}, {_saturation(loads)}")
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.set_yscale("log")
    axes.set_xlabel("due a second")
    axes.set_ylabel("milliseconds: p50 dashed, p99 whole")
    axes.set_title(title)
    axes.legend(fontsize="small")


def _saturation(loads: Sequence[Load]) -> str:
    told = [f"{load.per_s:,.0f}/s saturated" for load in loads if load.rate is None]
    return told[0] if told else "saturated: see the first plot"


def _draw_processes(axes: Any, measured: processes.Measured) -> None:
    kinds = {"deliveries": measured.dispatchers, "bookings": measured.bookings}
    names = [f"{kind}\nby {number}" for kind, loads in kinds.items() for number in range(1, len(loads) + 1)]
    rates = [load.per_s for loads in kinds.values() for load in loads]
    axes.bar_label(axes.bar(names, rates, color=_COLOURS[0]), fmt="{:,.0f}")
    axes.set_ylabel("a second")
    axes.set_title("Growth with processes, saturated")
