"""`slotwire keys`: API keys made, listed and revoked, in the database `identity` itself.

Invariant: a key is shown once, when it is made, on standard output and nowhere else; of what is listed nothing is cut
off.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from chassis import identity
from chassis.identity import Identity, KeyKind, KeyRecord
from devstack.errors import explained
from devstack.folder import DEFAULT_DATA, Folder
from devstack.stack import needed

ID_WIDTH = 30  # an id that is cut off could not be revoked
UNBOUNDED = 100_000  # columns; a table takes those that it needs
MINUTE = "%Y-%m-%d %H:%M"

app = typer.Typer(help="API keys of an organization.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path, typer.Option("--data", help="The stack's folder, for what the environment does not tell.")]
Org = Annotated[str | None, typer.Option(help="The organization; SLOTWIRE_ORG if not given.")]


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")],
    kind: Annotated[KeyKind, typer.Option(help="Who uses it.")] = KeyKind.STAFF,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; repeat for several.")] = None,
    client: Annotated[str | None, typer.Option(help="The client of a client key.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, help="Never, if not given.")] = None,
    live: Annotated[bool, typer.Option("--live", help="A `wk_live_` key instead of a `wk_test_` one.")] = False,
    org: Org = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a key and show it, this once."""
    folder = Folder(data.absolute())
    expires = None if expires_in_days is None else datetime.now(UTC) + timedelta(days=expires_in_days)

    async def work() -> None:
        async with _identity(folder) as keys:
            made = await keys.create_key(
                _organization(org, folder),
                kind,
                scope or [],
                name=name,
                client_id=client,
                expires_at=expires,
                live=live,
            )
        notes.print(f"Made {made.id}. The key is shown this once:")
        console.print(made.key)

    _run(work())


@app.command("list")
def list_keys(org: Org = None, data: Data = DEFAULT_DATA) -> None:
    """List an organization's keys, the revoked ones too."""
    folder = Folder(data.absolute())

    async def work() -> None:
        async with _identity(folder) as keys:
            listed = _table(await keys.list_keys(_organization(org, folder)))
        Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED).print(listed)

    _run(work())


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")], data: Data = DEFAULT_DATA
) -> None:
    """Revoke a key; services notice within 30 seconds."""
    folder = Folder(data.absolute())

    async def work() -> None:
        async with _identity(folder) as keys:
            if not await keys.revoke_key(key_id):
                notes.print(f"There is no key {key_id} that could be revoked.", style="red", markup=False)
                raise typer.Exit(1)
        console.print(f"Revoked {key_id}.", markup=False)

    _run(work())


def _run(work: Coroutine[Any, Any, None]) -> None:
    with explained(notes):
        asyncio.run(work)


@asynccontextmanager
async def _identity(folder: Folder) -> AsyncIterator[Identity]:
    server = needed("SLOTWIRE_POSTGRES_URL", folder)
    await identity.migrate(server)
    keys, database = Identity.on(server)
    async with database.opened():
        yield keys


def _organization(given: str | None, folder: Folder) -> str:
    return given or needed("SLOTWIRE_ORG", folder)


def _table(keys: list[KeyRecord]) -> Table:
    told = [Column(name, overflow="fold") for name in ("name", "kind", "client", "scopes", "made", "state")]
    table = Table(Column("id", no_wrap=True, min_width=ID_WIDTH), *told, box=None)
    for key in keys:
        table.add_row(
            key.id,
            Text(key.name),
            key.kind,
            Text(key.client_id or ""),
            " ".join(key.scopes),
            f"{key.created_at:{MINUTE}}",
            _state(key, datetime.now(UTC)),
        )
    return table


def _state(key: KeyRecord, now: datetime) -> str:
    """The key's state, with the instant since when it is so or, of a valid key, until when."""
    state = key.state(now)
    instant = key.revoked_at or key.expires_at
    if instant is None:
        return state
    return f"{state} until {instant:{MINUTE}}" if state == "valid" else f"{state} {instant:{MINUTE}}"
