"""`slotwire tail`: the events of a topic as they are written, read with the contracts package alone.

Invariant: every record is one line, shown as it is: one that is no event of ours is told as such and ends nothing, and
brackets in it are no markup.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.text import Text

from chassis.kafka import Consumer, KafkaError, Record
from devstack.folder import Folder
from devstack.stack import RefusedError, needed
from slotwire_contracts import BOOKING_EVENTS, DecodeError, decode

BATCH = 100


async def tail(folder: Folder, topic: str | None, console: Console, *, from_beginning: bool) -> None:
    """Print each event of `topic` (of `booking.events`, if None), until cancelled.

    Raises:
        NotSetError: no stack is known.
        RefusedError: the broker is away.
    """
    bootstrap = needed("SLOTWIRE_KAFKA_BOOTSTRAP", folder)
    async with reading(bootstrap, topic or BOOKING_EVENTS.name, from_beginning=from_beginning) as consumer:
        while True:
            for record in await consumer.fetch(at_most=BATCH, wait_seconds=1.0):
                console.print(line(record))


@asynccontextmanager
async def reading(bootstrap: str, topic: str, *, from_beginning: bool) -> AsyncIterator[Consumer]:
    """A reader of every partition of `topic`, from its oldest record or behind its newest.

    Raises:
        RefusedError: the broker is away.
    """
    try:
        async with Consumer.connected(bootstrap, [topic], group=None, from_beginning=from_beginning) as consumer:
            yield consumer
    except KafkaError as error:
        raise RefusedError(f"Kafka at {bootstrap}: {error}") from None


def line(record: Record) -> Text:
    """One record on one line; one that is no event of ours says so instead of ending the tail."""
    place = f"{record.partition}:{record.offset}"
    try:
        event = decode(record.value)
    except DecodeError as error:
        return Text(f"{place}  not an event: {error}", style="red")
    data = event.model_dump(mode="json")["data"]
    change = data.get("change") if isinstance(data, dict) else None
    when = event.time.isoformat(timespec="milliseconds")
    return Text.assemble(
        (f"{when} {place:>8} ", "dim"),
        (f"{event.type:<28}", "bold cyan"),
        f" {event.subject} #{event.sequence} {json.dumps(change)}",
    )
