"""The command `slotwire`: what each word of it means.

Owns the words and their options; the work is done elsewhere. Invariant: a word parses, calls one function and prints;
an error that a person can do something about is one line and exit code 1.
"""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from chassis import lifecycle, log
from devstack import calcom, detached, keys
from devstack.doctor import doctor as examine
from devstack.errors import explained
from devstack.folder import DEFAULT_DATA, Folder
from devstack.given import Given
from devstack.ports import free_port
from devstack.record import recorded_process
from devstack.screen import Screen
from devstack.supervisor import Options, Supervisor

app = typer.Typer(help="Slotwire on one machine.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(keys.app, name="keys")
app.add_typer(calcom.app, name="calcom")
console = Console(highlight=False, soft_wrap=True)

Data = Annotated[Path, typer.Option("--data", help="The folder that keeps everything of this stack.")]


@app.callback()
def configure() -> None:
    """Slotwire on one machine."""
    log.configure(service="slotwire", shape="console", level="warning")


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    port: Annotated[
        int | None,
        typer.Option(
            help="The gateway's port. By default 8080 or, if it is taken, a free one; "
            "it stays the same at later starts."
        ),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once everything is ready.")] = False,
) -> None:
    """Bring everything up: PostgreSQL, Kafka, the services and one base URL. Ctrl-C takes it down."""
    folder = Folder(data.absolute())
    with explained(console):
        running = recorded_process(folder.supervisor)
        if running is not None and detached.wait_ready(folder, running):
            console.print(f"Slotwire is up already (process {running.pid}); [cyan]make down[/] ends it.")
            console.print(folder.summary.read_text())
        elif detach:
            options = [] if port is None else ["--port", str(port)]
            detached.bring_up(folder, options, lambda text: console.out(text, end=""))
        else:
            supervisor = Supervisor(Options(folder, port, Given.from_environment(folder.data)), Screen())
            lifecycle.run(supervisor.run)


@app.command()
def down(data: Data = DEFAULT_DATA) -> None:
    """End the stack that runs on this folder, and wait until all of it is gone."""
    with explained(console), console.status("Slotwire is going down …"):
        was_up = detached.take_down(Folder(data.absolute()))
    console.print("Slotwire is down." if was_up else "Slotwire was not up.")


@app.command()
def listen(
    data: Data = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="Where to listen; a free port if not given.")] = None,
    url: Annotated[str | None, typer.Option(help="How the dispatcher reaches it, if not directly.")] = None,
) -> None:
    """Show each webhook as it arrives, its signature verified. Ctrl-C ends it and its subscription."""
    from devstack.listen import listen as show_webhooks  # noqa: PLC0415 - as in `tail`

    _until_interrupted(show_webhooks(Folder(data.absolute()), port or free_port(), url, console))


@app.command()
def tail(
    topic: Annotated[str | None, typer.Argument(help="`booking.events`, if not given.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Show what is kept, too.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the events of a topic as they are written. Ctrl-C ends it."""
    from devstack.tail import tail as show_events  # noqa: PLC0415 - the contracts take `up` half a second to import

    _until_interrupted(show_events(Folder(data.absolute()), topic, console, from_beginning=from_beginning))


@app.command()
def demo(data: Data = DEFAULT_DATA) -> None:
    """Tell a booking's whole journey on the running stack, with the time each step takes."""
    from devstack.demo import demo as tell_demo  # noqa: PLC0415 - as in `tail`

    _until_interrupted(tell_demo(Folder(data.absolute()), console))


@app.command()
def doctor(data: Data = DEFAULT_DATA) -> None:
    """Show what this machine has, what is missing, and how to get it."""
    if not examine(data.absolute(), console):
        raise typer.Exit(1)


def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM, which are an orderly end: what was made is taken back."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with explained(console), suppress(KeyboardInterrupt):
        asyncio.run(work)
