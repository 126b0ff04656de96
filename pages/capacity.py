"""What a load needs, worked out of the last benchmark's figures.

Invariant: every number of a table is a figure of the report, the load that its row names, or what they give; the
formulas stand beside the tables.
"""

import math

from pages.figures import Figures, told
from pages.sections import table
from slotwire_contracts import BOOKING_EVENTS

SHARE = 0.5
"""The share of its most that a part is planned to do: the rest is for peaks, and for a part that is away."""

LEAST = 2
"""Processes of each service at least, so that one can be replaced while the other answers."""

RECORD_BYTES = 900
"""What a record of the benchmark measures."""

DELIVERY_BYTES = 2_500
"""What an event with one delivery and one attempt measures in PostgreSQL, indexes included (tests/pages)."""

_DAY_SECONDS = 86_400
_LOADS = (100, 1_000, 10_000)
_STEPS = (10_000, 1_000_000)


def measured(figures: Figures) -> str:
    """Write what one of each part did."""
    rates = (
        ("bookings posted to one process", "api_per_s"),
        ("the same with every check", "api_full_per_s"),
        ("records published by one relay", "relay_per_s"),
        ("deliveries of one dispatcher", "deliver_per_s"),
        ("deliveries of two dispatchers", "deliver_two_processes_per_s"),
        ("bookings posted, published and delivered, everything on one machine", "journey_per_s"),
    )
    rows = [(what, f"`{name}`", told(figures[name]), told(figures[name] * SHARE)) for what, name in rates]
    return table(("what", "figure", "a second, at most", "planned"), *rows) + _costs(figures)


def _costs(figures: Figures) -> str:
    costs = (
        ("processor time of a booking, until it is delivered, ms", "cpu_ms_per_booking_delivered"),
        ("processor time of a delivery, ms", "cpu_ms_per_delivery"),
        ("two dispatchers, of what one does", "deliver_two_processes_growth"),
        ("memory of a booking process, MiB", "memory_mib_booking"),
        ("memory of a dispatcher, MiB", "memory_mib_webhook_dispatcher"),
        ("the same with a million deliveries waiting, MiB", "backlog_1m_rss_mib"),
    )
    return table(("what", "figure", "measured"), *((what, f"`{name}`", told(figures[name])) for what, name in costs))


def needed(figures: Figures) -> str:
    """Write what some loads need, of one delivery a booking."""
    heading = ("bookings a second", "booking", "dispatchers", "cores", "topic, a day", "dispatcher's database, a day")
    return table(heading, *(_need(figures, load) for load in _LOADS))


def _need(figures: Figures, load: int) -> tuple[str, ...]:
    return (
        f"{load:,}",
        f"{processes(load, figures['api_full_per_s']):,}",
        f"{processes(load, figures['deliver_per_s']):,}",
        told(cores(load, figures["cpu_ms_per_booking_delivered"])),
        _a_day(load * RECORD_BYTES),
        _a_day(load * DELIVERY_BYTES),
    )


def steps(figures: Figures) -> str:
    """Write what each part meets at the loads of the page on scaling."""
    return "".join(_step(figures, load) for load in _STEPS)


def _step(figures: Figures, load: int) -> str:
    return f"\n{load:,} events a second, one delivery each:\n" + table(
        ("part", "arithmetic", "gives"), *_processes(figures, load), *_rest(figures, load)
    )


def _processes(figures: Figures, load: int) -> list[tuple[str, ...]]:
    """Work out how many of each part there must be."""
    booking, relay, dispatcher = (figures[name] * SHARE for name in ("api_full_per_s", "relay_per_s", "deliver_per_s"))
    partitions = BOOKING_EVENTS.partitions
    return [
        ("booking", f"{load:,} / {told(booking)}", f"{processes(load, booking / SHARE):,} processes"),
        ("relay", f"{load:,} / {told(relay)}", f"{math.ceil(load / relay):,} at work, each on a database of its own"),
        ("dispatcher", f"{load:,} / {told(dispatcher)}", f"{processes(load, dispatcher / SHARE):,} processes"),
        (
            "partitions",
            f"{load:,} / {told(dispatcher)}",
            f"{math.ceil(load / dispatcher):,}, a process each; the topic is made with {partitions}",
        ),
    ]


def _rest(figures: Figures, load: int) -> list[tuple[str, ...]]:
    """Work out what all of them take together."""
    milliseconds = figures["cpu_ms_per_booking_delivered"]
    day = f"{_DAY_SECONDS:,} s"
    return [
        ("cores, all parts", f"{load:,} * {told(milliseconds)} ms / {SHARE}", told(cores(load, milliseconds))),
        ("topic, one copy", f"{load:,} * {RECORD_BYTES} B", f"{told(load * RECORD_BYTES / 1e6)} MB a second"),
        ("the same", f"{load:,} * {RECORD_BYTES} B * {day}", f"{_a_day(load * RECORD_BYTES)} a day"),
        ("dispatcher's database", f"{load:,} * {DELIVERY_BYTES:,} B * {day}", f"{_a_day(load * DELIVERY_BYTES)} a day"),
    ]


def processes(load: float, most: float) -> int:
    """Tell how many processes a load needs, of which one does so much at most."""
    return max(LEAST, math.ceil(load / (most * SHARE)))


def cores(load: float, milliseconds: float) -> float:
    """Tell how many cores a load needs, each thing of which takes so many milliseconds of a processor."""
    return load * milliseconds / 1_000 / SHARE


def _a_day(bytes_a_second: float) -> str:
    gigabytes = bytes_a_second * _DAY_SECONDS / 1e9
    return f"{told(gigabytes)} GB" if gigabytes < 1_000 else f"{told(gigabytes / 1_000)} TB"  # noqa: PLR2004 - GB a TB
