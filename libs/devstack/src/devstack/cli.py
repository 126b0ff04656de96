"""The command `slotwire`: what each word of it means.

Parses, calls one function, prints; errors that a person can do something about are one line and exit code 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chassis import lifecycle
from devstack import detached
from devstack.detached import DetachedError
from devstack.folder import Folder
from devstack.given import Given
from devstack.jars import FetchError
from devstack.record import recorded_process
from devstack.screen import Screen
from devstack.server import ServerError
from devstack.supervisor import Options, Supervisor, UpError

EXPLAINED = (DetachedError, FetchError, ServerError, UpError)

app = typer.Typer(help="Slotwire on one machine.", no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

Data = Annotated[Path, typer.Option("--data", help="The folder that keeps everything of this stack.")]
DEFAULT_DATA = Path(".slotwire")


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors that explain themselves into their message and exit code 1."""
    try:
        yield
    except EXPLAINED as error:
        console.print(f"[bold red]slotwire:[/] {error}", style="red")
        raise typer.Exit(1) from None


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="The gateway's port; else 8080 or a free one, kept.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once everything is ready.")] = False,
) -> None:
    """Bring everything up: PostgreSQL, Kafka, the services and one base URL. Ctrl-C takes it down."""
    folder = Folder(data.absolute())
    with explained():
        running = recorded_process(folder.supervisor)
        if running is not None and detached.wait_ready(folder, running):
            console.print(f"Slotwire is up already (process {running.pid}); [cyan]make down[/] ends it.")
            console.print((folder.summary).read_text())
        elif detach:
            detached.bring_up(
                folder, [] if port is None else ["--port", str(port)], lambda text: console.out(text, end="")
            )
        else:
            options = Options(folder, port, Given.from_environment(folder.data))
            lifecycle.run(lambda: Supervisor(options, Screen()).run())


@app.command()
def down(data: Data = DEFAULT_DATA) -> None:
    """End the stack that runs on this folder, and wait until all of it is gone."""
    folder = Folder(data.absolute())
    with explained(), console.status("Slotwire is going down …"):
        was_up = detached.take_down(folder)
    console.print("Slotwire is down." if was_up else "Slotwire was not up.")
