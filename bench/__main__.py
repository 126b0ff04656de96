"""`python -m bench` measures everything and writes the report; `--quick` only tries whether all of it runs."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from bench import machine
from bench.child import ChildError
from bench.measures import api, delivering, journey, relay
from bench.plan import QUICK, WHOLE, Plan
from bench.report import write
from bench.results import Results
from bench.stack import running_stack
from devstack.ending import end_on_signals
from devstack.server import ServerError

REPORTS = Path(__file__).parent / "reports"
_INTERRUPTED = 130


async def measure(plan: Plan) -> Results:
    """Measure everything on a stack of its own."""
    began = time.monotonic()
    _say("Starting PostgreSQL and Kafka …")
    async with running_stack(plan) as stack:
        described = await machine.describe(stack)
        _say("Relay, and a bare producer …")
        relayed = await relay.measure(stack)
        _say("POST /api/v1/bookings, and a bare handler …")
        posted = await api.measure(stack)
        _say("Deliveries, and a bare client …")
        delivered = await delivering.measure(stack)
        _say("The whole journey …")
        travelled = await journey.measure(stack)
    return Results(plan, described, posted, relayed, delivered, travelled, time.monotonic() - began)


async def run(plan: Plan, folder: Path) -> None:
    """Measure, print the report and write it into a folder; SIGINT and SIGTERM end it in order."""
    measuring = asyncio.create_task(measure(plan))
    end_on_signals(measuring)
    results = await measuring
    sys.stdout.write(write(results, folder))


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure little, to try whether all of it runs")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="the folder for the report (%(default)s)")
    given = parser.parse_args()
    try:
        asyncio.run(run(QUICK if given.quick else WHOLE, given.reports))
    except asyncio.CancelledError:
        return _INTERRUPTED
    except (ChildError, ServerError, machine.NotDurableError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
