"""The relay in a process of its own, against an outbox that fills with one commit.

Invariant: the clock runs from the commit's wake-up to the deletion of the last row; the relay leads before that, so
its start is not part of it.
"""

import asyncio
import time
from dataclasses import dataclass

from bench.child import quiet_collector, spec_of, tell, until_metric
from bench.records import records
from chassis.lifecycle import Loop, background, run
from chassis.outbox import OutboxMessage, Relay, append
from chassis.postgres import Database


@dataclass(frozen=True)
class Spec:
    """What to relay."""

    url: str
    bootstrap: str
    topic: str
    count: int
    value_bytes: int
    pool_size: int


@dataclass(frozen=True)
class Result:
    """How long it took, in seconds, and how many rows were left."""

    seconds: float
    left: int


async def main(spec: Spec) -> None:
    """Relay all records, and tell how long that took."""
    messages = [
        OutboxMessage(event_id, spec.topic, key, value)
        for event_id, key, value in records(spec.count, spec.value_bytes)
    ]
    quiet_collector()
    async with Database(spec.url, pool_size=spec.pool_size, application="bench").opened() as database:
        relay = Relay(database, spec.bootstrap)
        async with background(Loop("relay", relay.run), drain_seconds=5.0):
            await until_metric("slotwire_outbox_leading", 1)
            await asyncio.sleep(1.0)  # its producer connects
            async with database.transaction() as conn:
                await append(conn, messages)
            began = time.perf_counter()
            relay.wake()
            await until_metric("slotwire_outbox_published_total", spec.count)
            seconds = time.perf_counter() - began
        async with database.connection() as conn:
            tell(Result(seconds, await conn.fetchval("SELECT count(*) FROM outbox")))


if __name__ == "__main__":
    run(lambda: main(spec_of(Spec)))
