"""What fills the topic that the dispatcher reads, and holds the dispatcher meanwhile."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import psutil

from chassis.kafka import Producer
from slotwire_contracts import BOOKING_EVENTS, ReservationEvent, encode, record_key


async def fill(bootstrap: str, made: Iterable[ReservationEvent]) -> None:
    """Put events on the topic of bookings; all of them are in the log at the end."""
    async with Producer.connected(bootstrap) as producer:
        pending = [
            await producer.send(BOOKING_EVENTS.name, key=record_key(event), value=encode(event)) for event in made
        ]
        await asyncio.gather(*pending)


@contextmanager
def held(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes for the block (SIGSTOP); it has to be short, or they lose their places in their groups."""
    with ExitStack() as ending:
        for process in map(psutil.Process, pids):
            process.suspend()
            ending.callback(process.resume)
        yield
