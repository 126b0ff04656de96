"""The parts of a run, and their measuring.

Invariant: each part is measured on servers of its own, so that none starts with what another has left.
"""

import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from bench import machine
from bench.measures import (
    api,
    api_load,
    availability,
    backlog,
    calcom,
    delivering,
    dispatch,
    journey,
    lists,
    neighbours,
    processes,
    relay,
    relay_load,
    waitlist,
    waitlist_load,
)
from bench.plan import Plan
from bench.results import Results
from bench.stack import Stack, running_stack

Measure = Callable[[Stack], Awaitable[Any]]

PARTS: dict[str, tuple[str, Measure]] = {
    "relay": ("Relay, and a bare producer", relay.measure),
    "api": ("POST /api/v1/bookings, and a bare handler", api.measure),
    "api_full": ("The same with every check", api.measure_full),
    "api_load": ("POST /api/v1/bookings at fixed rates", api_load.measure),
    "relay_load": ("Relay at fixed rates", relay_load.measure),
    "deliveries": ("Deliveries, and a bare client", delivering.measure),
    "dispatch": ("Deliveries at fixed rates", dispatch.measure),
    "processes": ("Two processes of a service", processes.measure),
    "neighbours": ("Deliveries beside endpoints that hang", neighbours.measure),
    "backlog": ("A backlog of deliveries", backlog.measure),
    "journey": ("The whole journey", journey.measure),
    "availability": ("GET /api/v1/availability of a month", availability.measure),
    "lists": ("Lists of bookings, of many and more", lists.measure),
    "waitlist": ("Offers and matches of the waitlist", waitlist.measure),
    "waitlist_load": ("Places that fall free at fixed rates", waitlist_load.measure),
    "calcom": ("Syncs from Cal.com, first and again", calcom.measure),
}
"""What is measured, in this order."""


async def measure(plan: Plan, parts: Collection[str]) -> Results:
    """Measure some parts.

    A part that fails is told on standard error, with its cause, and has no results; the others are measured.

    Raises:
        NotDurableError: nothing measured here would count.
    """
    began = time.monotonic()
    described: dict[str, str] = {}
    measured = {}
    for name, (what, measuring) in PARTS.items():
        if name not in parts:
            continue
        say(f"{what} …")
        try:
            async with running_stack(plan) as stack:
                described = described or await machine.describe(stack)
                measured[name] = await measuring(stack)
        except machine.NotDurableError:
            raise
        except Exception:  # noqa: BLE001 - whatever ends one part, what the others take minutes to measure is kept
            sys.stderr.write(f"{name} failed:\n{traceback.format_exc()}")
    return Results(plan, described, measured, time.monotonic() - began)


def say(line: str) -> None:
    """Tell how far a run has come."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
