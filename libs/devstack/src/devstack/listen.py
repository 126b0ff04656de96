"""`slotwire listen`: a subscription to this terminal, for as long as it runs.

Invariant: a delivery is shown whether its signature is accepted or not, with the verdict, and as it is: brackets in it
are no markup.
"""

from rich.console import Console
from rich.json import JSON
from rich.panel import Panel
from rich.text import Text

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
        told = Text.assemble("Listening on ", (url or own_url, "bold"), f" as {subscription}; Ctrl-C ends it.")
        console.print(told)
        while True:
            console.print(panel(await receiver.arrivals.get()))


def panel(arrival: Arrival) -> Panel:
    """One delivery, readable."""
    payload = arrival.payload
    verdict = ("signature verified", "green") if arrival.problem is None else (f"refused: {arrival.problem}", "red")
    title = Text.assemble((str(payload.get("event", "?")), "bold"), f" {payload.get('resourceId', '')}")
    footer = Text.assemble(f"{arrival.webhook_id} · ", verdict)
    return Panel(JSON.from_data(payload.get("data")), title=title, subtitle=footer, title_align="left")
