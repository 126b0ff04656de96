"""All that one run measured, and its figures by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from bench.load import figures_of
from bench.measures import (
    api,
    availability,
    backlog,
    calcom,
    delivering,
    journey,
    lists,
    neighbours,
    processes,
    waitlist,
)
from bench.percentiles import latency_figures, percentile
from bench.plan import Plan
from bench.rounds import Comparison


@dataclass(frozen=True)
class Results:
    """One run.

    Attributes:
        measured: what each part measured, by the part's name; all of them unless few were asked for.
        seconds: how long it took.
    """

    plan: Plan
    machine: dict[str, str]
    measured: Mapping[str, Any]
    seconds: float

    def figures(self) -> dict[str, float]:
        """Tell the figures of `latest.json`."""
        return {
            name: value
            for part, of in _FIGURES.items()
            if part in self.measured
            for name, value in of(self.measured[part]).items()
        }


def _of_api(measured: api.Measured) -> dict[str, float]:
    return {**_of_comparison("api", measured.comparison), "generator_cpu_share": measured.generator_share}


def _of_api_full(measured: api.Measured) -> dict[str, float]:
    return _of_comparison("api_full", measured.comparison)


def _of_relay(measured: Comparison) -> dict[str, float]:
    return _of_comparison("relay", measured)


def _of_delivering(measured: delivering.Measured) -> dict[str, float]:
    return {
        **_of_comparison("deliver", measured.single.comparison),
        "deliver_fan_out_ratio": measured.fan_out.comparison.ratio,
        "deliver_fan_out_per_s": measured.fan_out.comparison.ours_per_s,
        "deliver_one_endpoint_per_s": measured.one_endpoint.per_s,
        "cpu_ms_per_delivery": sum(measured.single.cpu_ms.values()),
        "cpu_ms_per_delivery_fan_out": sum(measured.fan_out.cpu_ms.values()),
    }


def _of_processes(measured: processes.Measured) -> dict[str, float]:
    return {
        f"{name}_two_processes_{figure}": value
        for name, (one, two) in (("deliver", measured.dispatchers), ("api", measured.bookings))
        for figure, value in (("per_s", two.per_s), ("growth", two.per_s / one.per_s))
    }


def _of_neighbours(measured: neighbours.Measured) -> dict[str, float]:
    return {
        "healthy_p99_ratio": measured.p99_ratio,
        "healthy_throughput_ratio": measured.throughput_ratio,
        **latency_figures("healthy_alone", measured.good.milliseconds),
        **latency_figures("healthy_beside_bad", measured.bad.milliseconds),
        "healthy_alone_per_s": median(measured.good.per_s),
        "healthy_beside_bad_per_s": median(measured.bad.per_s),
    }


def _of_backlog(measured: backlog.Measured) -> dict[str, float]:
    return {
        **{
            f"backlog_{_short(size.deliveries)}_{figure}": value
            for size in measured.sizes
            for figure, value in (
                ("rss_mib", size.peak_mib),
                ("claim_ms", size.claim_ms),
                ("per_s", size.per_s),
            )
        },
        "backlog_claim_growth": measured.claim_growth,
    }


def _short(number: int) -> str:
    """Write a number of deliveries: 10k, 1m."""
    return f"{number // 1_000_000}m" if number >= 1_000_000 else f"{number // 1_000}k"


def _of_journey(measured: journey.Measured) -> dict[str, float]:
    return {
        "journey_per_s": measured.saturated.per_s,
        **latency_figures("deliver_latency", measured.latencies.from_commit),
        **latency_figures("post_to_arrival", measured.latencies.from_post),
        "cpu_ms_per_booking_delivered": sum(measured.saturated.cost.cpu_s.values()),
        "cpu_ms_per_booking_delivered_at_rate": sum(measured.steady.cost.cpu_s.values()),
        **{f"memory_mib_{name}": mib for name, mib in measured.saturated.cost.memory_mib.items()},
        **figures_of({"journey": measured.loads}),
    }


def _of_availability(measured: availability.Measured) -> dict[str, float]:
    least, *_, most = (percentile(size.milliseconds, 0.5) for size in measured.sizes)
    return {
        **latency_figures("availability_month", measured.standard.milliseconds),
        **{
            name: value
            for size in measured.sizes
            for name, value in latency_figures(f"availability_month_{size.bookings}", size.milliseconds).items()
        },
        "availability_month_growth": most / least,
    }


def _of_lists(measured: lists.Measured) -> dict[str, float]:
    narrow = [size.narrow for size in measured.sizes]
    return {
        "list_p99_ms": max(percentile(timed.milliseconds, 0.99) for timed in narrow[-1].values()),
        "list_growth": max(lists.growth(name, narrow) for name in narrow[0]),
        **{
            f"list_p99_ms_{size.bookings}_{name}": percentile(timed.milliseconds, 0.99)
            for size in measured.sizes
            for name, timed in size.narrow.items()
        },
        **{
            f"list_total_p50_ms_{size.bookings}_{name}": percentile(timed.milliseconds, 0.5)
            for size in measured.sizes
            for name, timed in size.wide.items()
        },
    }


def _of_waitlist(measured: waitlist.Measured) -> dict[str, float]:
    sizes = {f"{size.waiting}": size for size in measured.sizes}
    sizes[f"{measured.beside.waiting}_beside_{measured.beside.others}"] = measured.beside
    return {
        "waitlist_all_offered_s": max(measured.offered_ms) / 1000,
        "waitlist_offered_p50_s": percentile(measured.offered_ms, 0.5) / 1000,
        **{f"waitlist_match_ms_{name}": fmean(size.match_ms) for name, size in sizes.items()},
        **{f"waitlist_pass_on_p50_ms_{name}": percentile(size.pass_on_ms, 0.5) for name, size in sizes.items()},
        "waitlist_growth_by_other_dates": measured.growth_by_others,
    }


def _of_calcom(measured: calcom.Measured) -> dict[str, float]:
    return {
        f"calcom_{name}_{figure}": value
        for name, sync in measured.syncs.items()
        for figure, value in (("s", sync.seconds), ("requests", sync.requests), ("peak_mib", sync.peak_mib))
    }


_FIGURES: dict[str, Callable[[Any], dict[str, float]]] = {
    "api": _of_api,
    "api_full": _of_api_full,
    "relay": _of_relay,
    "api_load": figures_of,
    "relay_load": figures_of,
    "deliveries": _of_delivering,
    "dispatch": figures_of,
    "processes": _of_processes,
    "neighbours": _of_neighbours,
    "backlog": _of_backlog,
    "journey": _of_journey,
    "availability": _of_availability,
    "lists": _of_lists,
    "waitlist": _of_waitlist,
    "waitlist_load": figures_of,
    "calcom": _of_calcom,
}


def _of_comparison(name: str, comparison: Comparison) -> dict[str, float]:
    return {
        f"{name}_ratio": comparison.ratio,
        f"{name}_per_s": comparison.ours_per_s,
        f"{name}_bare_per_s": comparison.bare_per_s,
    }
