"""`slotwire calcom`: syncs from Cal.com, asked for and watched.

Owns the words and what is told at the end. Invariant: the exit code is 0 if the sync brought everything here, 1 if it
did not, and 130 if Ctrl-C ended the watching; the sync itself goes on then.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devstack.errors import explained
from devstack.folder import DEFAULT_DATA, Folder
from devstack.stack import connected, needed
from devstack.syncing import Run, Sync, Wanted

app = typer.Typer(help="Bookings that are made in Cal.com.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)

_FAILED, _INTERRUPTED = 1, 130

Data = Annotated[Path, typer.Option("--data", help="The stack's folder, for what the environment does not tell.")]


@app.callback()
def calcom() -> None:
    """Bookings that are made in Cal.com."""


@app.command()
def sync(
    org: Annotated[str | None, typer.Option(help="The organization; SLOTWIRE_ORG if not given.")] = None,
    start: Annotated[str | None, typer.Option(help="From this date or instant on (ISO 8601).")] = None,
    end: Annotated[str | None, typer.Option(help="Until this instant, or the end of this date.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Sync now, and show how far it is. Ctrl-C ends the watching and leaves the sync to go on."""
    folder = Folder(data.absolute())
    asked = Sync(console)

    async def work() -> Run:
        wanted = Wanted(org or needed("SLOTWIRE_ORG", folder), start, end)
        async with connected(folder) as api:
            return await asked.watch(api, wanted)

    with explained(notes):
        try:
            run = asyncio.run(work())
        except KeyboardInterrupt:
            notes.print(_left(asked.run), markup=False)
            raise typer.Exit(_INTERRUPTED) from None
    if run["error"] is not None:
        notes.print(_failure(run), style="red", markup=False)
        raise typer.Exit(_FAILED)
    console.print(_counts(run), markup=False)
    if run["failed"]:
        raise typer.Exit(_FAILED)


def _left(run: Run | None) -> str:
    if run is None:
        return "Whether the sync has begun is not known."
    return f"The sync {run['id']} goes on; GET /api/v1/integrations/calcom/runs/{run['id']} tells how far it is."


def _failure(run: Run) -> str:
    return f"slotwire: the sync {run['id']} failed, {run['error']['code']}: {run['error']['message']}"


def _counts(run: Run) -> str:
    sums = ", ".join(f"{run[name]:,} {name}" for name in ("fetched", "synced", "skipped", "failed"))
    each = "".join(f"\n  {number:>9,}  {reason.replace('_', ' ')}" for reason, number in run["details"].items())
    return f"The sync {run['id']} is over: {sums}, with {run['requests']:,} requests to Cal.com.{each}"
