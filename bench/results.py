"""All that one run measured, and its figures by name."""

from dataclasses import dataclass

from bench.measures import api, delivering, journey
from bench.percentiles import percentile
from bench.plan import Plan
from bench.rounds import Comparison


@dataclass(frozen=True)
class Results:
    """One run: its plan, the machine, the measurements, and the seconds that it took."""

    plan: Plan
    machine: dict[str, str]
    api: api.Measured
    relay: Comparison
    delivering: delivering.Measured
    journey: journey.Measured
    seconds: float

    def figures(self) -> dict[str, float]:
        """Tell the figures of `latest.json`."""
        return {
            **_of_comparison("api", self.api.comparison),
            **_of_comparison("relay", self.relay),
            **_of_comparison("deliver", self.delivering.comparison),
            "deliver_one_endpoint_per_s": self.delivering.one_endpoint.per_s,
            "deliver_fan_out_per_s": self.delivering.fan_out.per_s,
            "journey_per_s": self.journey.saturated.per_s,
            **_of_latencies("deliver_latency", self.journey.latencies.from_commit),
            **_of_latencies("post_to_arrival", self.journey.latencies.from_post),
            "cpu_ms_per_delivery": sum(self.delivering.cpu_ms.values()),
            "cpu_ms_per_delivery_fan_out": sum(self.delivering.fan_out.cpu_ms.values()),
            "cpu_ms_per_booking_delivered": sum(self.journey.saturated.cpu_ms.values()),
            "cpu_ms_per_booking_delivered_at_rate": sum(self.journey.steady.cpu_ms.values()),
            "generator_cpu_share": self.api.generator_share,
            **{f"memory_mib_{name}": mib for name, mib in self.journey.memory.items()},
        }


def _of_comparison(name: str, comparison: Comparison) -> dict[str, float]:
    return {
        f"{name}_ratio": comparison.ratio,
        f"{name}_per_s": comparison.ours_per_s,
        f"{name}_bare_per_s": comparison.bare_per_s,
    }


def _of_latencies(name: str, milliseconds: tuple[float, ...]) -> dict[str, float]:
    return {f"{name}_p50_ms": percentile(milliseconds, 0.5), f"{name}_p99_ms": percentile(milliseconds, 0.99)}
