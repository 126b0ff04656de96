"""A sync from Cal.com, from the request that asks for it to its run's end.

The request answers when all is over, or that it does not wait any longer; meanwhile the list of runs tells how far it
is. Invariant: what is answered in the end is the run that the request itself named.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from devstack.stack import Api, RefusedError

_SYNC, _RUNS = "/api/bookings/sync-calcom", "/api/v1/integrations/calcom/runs"
_LOOK_SECONDS = 0.5
_MANY = 50  # runs that are looked through for the one that was asked for

Run = dict[str, Any]
"""A run's record, as the API shows it."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for: whose bookings, and of which time."""

    org: str
    start: str | None = None
    end: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The request's body."""
        told = {"organizationId": self.org, "startDate": self.start, "endDate": self.end}
        return {name: value for name, value in told.items() if value is not None}


class Sync:
    """One sync, and its run as far as it is known.

    Args:
        console: where its progress is shown, if that is a terminal.
    """

    def __init__(self, console: Console) -> None:
        self.run: Run | None = None
        self._console = console

    async def watch(self, api: Api, wanted: Wanted) -> Run:
        """Ask for it and show its progress; answers its run when that is over.

        Raises:
            RefusedError: it was refused, or the API does not answer.
        """
        last = await _runs(api, 1)
        with _shown(self._console) as show:
            async with _asking(api, wanted) as request:
                while not (await asyncio.wait({request}, timeout=_LOOK_SECONDS))[0]:
                    self.run = _begun_after(last, await _runs(api, _MANY)) or self.run
                    show(self.run)
                run_id = request.result()
            while True:
                self.run = run = await _run(api, run_id)
                show(run)
                if run["error"] is not None or (run["status"] == "completed" and not run["unanswered"]):
                    return run
                await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _asking(api: Api, wanted: Wanted) -> AsyncIterator["asyncio.Task[str]"]:
    """Send the request, and wait for its answer beside the block."""
    request = asyncio.create_task(_ask(api, wanted))
    try:
        yield request
    finally:
        request.cancel()


async def _ask(api: Api, wanted: Wanted) -> str:
    """Ask for a sync; answers its run's id as soon as it is over, or is not waited for any longer."""
    try:
        return str((await api.call("POST", _SYNC, wanted.body))["run_id"])
    except RefusedError as refused:
        run_id = (refused.error.get("details") or {}).get("run_id")
        if run_id is None:
            raise
        return str(run_id)


async def _run(api: Api, run_id: str) -> Run:
    found: Run = (await api.call("GET", f"{_RUNS}/{run_id}"))["data"]
    return found


async def _runs(api: Api, limit: int) -> list[Run]:
    found: list[Run] = (await api.call("GET", f"{_RUNS}?limit={limit}"))["data"]
    return found


def _begun_after(last: list[Run], now: list[Run]) -> Run | None:
    """Find the first sync that was asked for since; both lists have the newest first."""
    known = {run["id"] for run in last}
    new = list(takewhile(lambda run: run["id"] not in known, now))
    return next((run for run in reversed(new) if run["kind"] == "manual"), None)


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Run | None], None]]:
    """Show a run on a terminal for the block, as it is told."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(_described(None))
        yield lambda run: progress.update(task, description=_described(run))


def _described(run: Run | None) -> str:
    """How far a run is, in one line."""
    if run is None or run["status"] == "queued":
        return "waiting for its turn …"
    answered = run["told"] - run["unanswered"]
    return (
        f"{run['fetched']:,} fetched, {run['told']:,} of them new or changed, {answered:,} of these taken over; "
        f"{run['requests']:,} requests to Cal.com"
    )
