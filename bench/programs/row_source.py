"""A source of outbox rows at a fixed rate, with the relay beside it, in one process as they are in a service.

Invariant: rows are committed when they are due, whatever became of those before them (open loop).
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.child import quiet_collector, spec_of, tell, until_metric
from bench.records import records
from bench.usage import cpu_seconds, memory_mib
from chassis.lifecycle import Loop, background, run
from chassis.outbox import OutboxMessage, Relay, append
from chassis.postgres import Database

_END_SECONDS = 5.0


@dataclass(frozen=True)
class Spec:
    """What to commit.

    Attributes:
        rate: rows a second.
        count: how many.
        a_commit: how many rows one commit has; they are due together.
    """

    url: str
    bootstrap: str
    topic: str
    rate: float
    count: int
    a_commit: int
    value_bytes: int
    pool_size: int


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        dues: when each row was due, in microseconds since 1970, in their order.
        cpu_seconds: this process's processor time, from the first due row until the last was published.
        memory_mib: its memory then.
    """

    dues: list[int]
    cpu_seconds: float
    memory_mib: float


class Source:
    """Commits rows as they fall due."""

    def __init__(self, spec: Spec, database: Database, relay: Relay) -> None:
        self._spec = spec
        self._database = database
        self._relay = relay
        self._connections = asyncio.Semaphore(spec.pool_size)

    async def keep_rate(self, messages: Sequence[OutboxMessage]) -> list[int]:
        """Commit all; answers when each was due."""
        began, dues = time.time(), []
        async with asyncio.TaskGroup() as group:
            for first in range(0, len(messages), self._spec.a_commit):
                rows, due = messages[first : first + self._spec.a_commit], began + first / self._spec.rate
                await asyncio.sleep(max(0.0, due - time.time()))
                group.create_task(self._commit(rows))
                dues += [int(due * 1e6)] * len(rows)
        return dues

    async def _commit(self, rows: Sequence[OutboxMessage]) -> None:
        async with self._connections, self._database.transaction() as conn:
            await append(conn, rows)
        self._relay.wake()


async def main(spec: Spec) -> None:
    """Commit all rows, and tell when each was due."""
    messages = [
        OutboxMessage(event_id, spec.topic, key, value)
        for event_id, key, value in records(spec.count, spec.value_bytes)
    ]
    async with Database(spec.url, pool_size=spec.pool_size, application="bench").opened() as database:
        relay = Relay(database, spec.bootstrap)
        async with background(Loop("relay", relay.run), drain_seconds=_END_SECONDS):
            await until_metric("slotwire_outbox_leading", 1)
            await asyncio.sleep(1.0)  # its producer connects
            quiet_collector()
            before = cpu_seconds(os.getpid())
            dues = await Source(spec, database, relay).keep_rate(messages)
            await until_metric("slotwire_outbox_published_total", spec.count)
            tell(Result(dues, cpu_seconds(os.getpid()) - before, memory_mib(os.getpid())))


if __name__ == "__main__":
    run(lambda: main(spec_of(Spec)))
