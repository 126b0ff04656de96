"""`python -m bench` measures everything and writes the report.

`--only` measures some parts and prints their part of the report; `--compare` takes the load of the whole journey to
another system, and prints what it did with it; `--quick` only tries whether all of it runs.
"""

import argparse
import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

from bench.child import ChildError
from bench.machine import NotDurableError
from bench.measures import other
from bench.other_section import write_other
from bench.other_system import DescriptionError, OtherSystem, read
from bench.parts import PARTS, measure, say
from bench.plan import QUICK, WHOLE, Plan
from bench.report import text, write
from devstack.ending import end_on_signals

REPORTS = Path(__file__).parent / "reports"
_FAILED, _INTERRUPTED = 1, 130


async def run(plan: Plan, parts: Collection[str], folder: Path, system: OtherSystem | None) -> bool:
    """Measure and print the report; when all parts are in it, write it into a folder too.

    SIGINT and SIGTERM end it in order. Tells whether every part that was asked for was measured.

    Raises:
        NotDurableError: nothing measured here would count.
        ChildError: the other system sends no webhooks to us.
    """
    measuring = asyncio.create_task(_run(plan, parts, folder, system))
    end_on_signals(measuring)
    return await measuring


async def _run(plan: Plan, parts: Collection[str], folder: Path, system: OtherSystem | None) -> bool:
    measured: Collection[str] = ()
    if parts:
        results = await measure(plan, parts)
        measured = results.measured.keys()
        sys.stdout.write(write(results, folder) if len(measured) == len(PARTS) else text(results))
    if system is not None:
        say(f"{system.name}: its webhooks have to be sent to {system.webhook.url} …")
        sys.stdout.writelines(f"{line}\n" for line in write_other(system, await other.measure(system, plan), plan))
    return len(measured) == len(parts)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure little, to try whether all of it runs")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part to measure; may be given again")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="another system's description, to measure it")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="the folder for the report (%(default)s)")
    given = parser.parse_args()
    parts = frozenset(given.only or (() if given.compare else PARTS))
    try:
        system = read(given.compare) if given.compare else None
        measured = asyncio.run(run(QUICK if given.quick else WHOLE, parts, given.reports, system))
    except asyncio.CancelledError:
        return _INTERRUPTED
    except (ChildError, DescriptionError, NotDurableError) as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    return 0 if measured else _FAILED


if __name__ == "__main__":
    raise SystemExit(main())
