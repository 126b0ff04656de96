"""A source of events at a fixed rate, put on the topic of bookings as a relay would.

Invariant: an event is sent when it is due, whatever became of those before it (open loop).
"""

import asyncio
import time
from dataclasses import dataclass

import uvloop

from bench.child import quiet_collector, spec_of, tell
from bench.events import events
from chassis.kafka import Producer
from slotwire_contracts import BOOKING_EVENTS, encode, record_key


@dataclass(frozen=True)
class Spec:
    """What to send.

    Attributes:
        org_ids: the organizations that take turns.
        rate: events a second.
        count: how many.
    """

    bootstrap: str
    org_ids: list[str]
    rate: float
    count: int


@dataclass(frozen=True)
class Result:
    """The organization and resource of each event, and when it was due, in microseconds since 1970."""

    dues: list[tuple[str, str, int]]


async def main(spec: Spec) -> Result:
    """Send all events."""
    made = [(event, record_key(event), encode(event)) for event in events(spec.count, spec.org_ids)]
    dues: list[tuple[str, str, int]] = []
    async with Producer.connected(spec.bootstrap) as producer, asyncio.TaskGroup() as group:

        async def send(key: bytes, value: bytes) -> None:
            await (await producer.send(BOOKING_EVENTS.name, key=key, value=value))

        quiet_collector()
        began = time.time()
        for number, (event, key, value) in enumerate(made):
            due = began + number / spec.rate
            await asyncio.sleep(max(0.0, due - time.time()))
            group.create_task(send(key, value))
            dues.append((event.orgid, event.subject, int(due * 1e6)))
    return Result(dues)


if __name__ == "__main__":
    tell(uvloop.run(main(spec_of(Spec))))
