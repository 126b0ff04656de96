"""`slotwire listen`: a subscription to this terminal, for as long as it runs."""

from rich.console import Console
from rich.json import JSON
from rich.panel import Panel

from devstack.folder import Folder
from devstack.receiver import Arrival, receiving, subscribed
from devstack.stack import connected

EVENTS = ("reservation.*",)


async def listen(folder: Folder, port: int, url: str | None, console: Console) -> None:
    """Show each webhook as it arrives, until cancelled; the subscription goes with the command.

    Args:
        folder: the stack's folder.
        port: where to listen on loopback.
        url: under which address the dispatcher reaches that port, if not directly.
        console: where to show.

    Raises:
        NotSetError: no stack is known.
        RefusedError: the API refused the subscription.
    """
    async with (
        connected(folder) as api,
        receiving(port) as (receiver, own_url),
        subscribed(api, receiver, url or own_url, EVENTS) as subscription,
    ):
        console.print(f"Listening on [bold]{url or own_url}[/] as {subscription}; Ctrl-C ends it.")
        while True:
            console.print(panel(await receiver.arrivals.get()))


def panel(arrival: Arrival) -> Panel:
    """One delivery, readable."""
    payload = arrival.payload
    verdict = "[green]signature verified[/]" if arrival.problem is None else f"[red]refused: {arrival.problem}[/]"
    title = f"[bold]{payload.get('event', '?')}[/] {payload.get('resourceId', '')}"
    footer = f"{arrival.webhook_id} · {verdict}"
    return Panel(JSON.from_data(payload.get("data")), title=title, subtitle=footer, title_align="left")
