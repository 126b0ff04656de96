"""`python -m bench` measures everything and writes the report.

`--only` measures some parts and prints their part of the report; `--quick` only tries whether all of it runs.
"""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
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
from bench.plan import QUICK, WHOLE, Plan
from bench.report import text, write
from bench.results import Results
from bench.stack import Stack, running_stack
from devstack.ending import end_on_signals

REPORTS = Path(__file__).parent / "reports"
_FAILED, _INTERRUPTED = 1, 130

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
    """Measure some parts, each on a stack of its own: none starts with what another has left.

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
        _say(f"{what} …")
        try:
            async with running_stack(plan) as stack:
                described = described or await machine.describe(stack)
                measured[name] = await measuring(stack)
        except machine.NotDurableError:
            raise
        except Exception:  # noqa: BLE001 - whatever ends one part, what the others take minutes to measure is kept
            sys.stderr.write(f"{name} failed:\n{traceback.format_exc()}")
    return Results(plan, described, measured, time.monotonic() - began)


async def run(plan: Plan, parts: Collection[str], folder: Path) -> bool:
    """Measure and print the report; when all parts are in it, write it into a folder too.

    SIGINT and SIGTERM end it in order. Tells whether every part that was asked for was measured.
    """
    measuring = asyncio.create_task(measure(plan, parts))
    end_on_signals(measuring)
    results = await measuring
    is_whole = len(results.measured) == len(PARTS)
    sys.stdout.write(write(results, folder) if is_whole else text(results))
    return len(results.measured) == len(parts)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure little, to try whether all of it runs")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part to measure; may be given again")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="the folder for the report (%(default)s)")
    given = parser.parse_args()
    try:
        measured = asyncio.run(run(QUICK if given.quick else WHOLE, frozenset(given.only or PARTS), given.reports))
    except asyncio.CancelledError:
        return _INTERRUPTED
    except machine.NotDurableError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    return 0 if measured else _FAILED


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
