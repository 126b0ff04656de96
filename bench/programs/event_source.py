"""A source of events at a fixed rate: each is committed with its outbox row, and the relay publishes it.

It stands for the services that have events to tell, without what else they do. Invariant: an event is committed when it
is due, whatever became of those before it (open loop).
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.child import quiet_collector, spec_of, tell, until_metric
from bench.events import events
from chassis.lifecycle import Loop, background, run
from chassis.outbox import OutboxMessage, Relay, append
from chassis.postgres import Database
from slotwire_contracts import BOOKING_EVENTS, ReservationEvent, encode, record_key

_END_SECONDS = 5.0
_COMMITTED = """
SELECT (extract(epoch FROM pg_xact_commit_timestamp(id::xid8::xid)) * 1000000)::bigint
FROM unnest($1::text[]) WITH ORDINALITY AS given (id, place) ORDER BY place
"""


@dataclass(frozen=True)
class Spec:
    """What to commit.

    Attributes:
        org_ids: the organizations that take turns.
        rate: events a second.
        count: how many.
    """

    url: str
    bootstrap: str
    org_ids: list[str]
    rate: float
    count: int
    pool_size: int


@dataclass(frozen=True)
class Result:
    """The organization and resource of each event, and when its commit was put into the log, in microseconds."""

    commits: list[tuple[str, str, int]]


class Source:
    """Commits events, and keeps the transactions' numbers.

    Where the database stands still, events wait for a connection as long as it takes.
    """

    def __init__(self, database: Database, relay: Relay, connections: int) -> None:
        self._database = database
        self._relay = relay
        self._connections = asyncio.Semaphore(connections)
        self._committed: list[tuple[str, str, str]] = []

    async def keep_rate(self, made: Iterator[ReservationEvent], rate: float) -> None:
        """Commit each event when it is due."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, event in enumerate(made):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                group.create_task(self._commit(event))

    async def commits(self) -> list[tuple[str, str, int]]:
        """Ask when each was committed."""
        async with self._database.connection() as conn:
            rows = await conn.fetch(_COMMITTED, [transaction for *_, transaction in self._committed])
        return [(org_id, resource, row[0]) for (org_id, resource, _), row in zip(self._committed, rows, strict=True)]

    async def _commit(self, event: ReservationEvent) -> None:
        async with self._connections, self._database.transaction() as conn:
            await append(conn, [OutboxMessage(event.id, BOOKING_EVENTS.name, record_key(event), encode(event))])
            transaction = await conn.fetchval("SELECT pg_current_xact_id()::text")
        self._relay.wake()
        self._committed.append((event.orgid, event.subject, transaction))


async def main(spec: Spec) -> None:
    """Commit all events, and tell when that was."""
    async with Database(spec.url, pool_size=spec.pool_size, application="bench").opened() as database:
        relay = Relay(database, spec.bootstrap)
        source = Source(database, relay, spec.pool_size)
        async with background(Loop("relay", relay.run), drain_seconds=_END_SECONDS):
            await until_metric("slotwire_outbox_leading", 1)
            await asyncio.sleep(1.0)  # its producer connects
            quiet_collector()
            await source.keep_rate(events(spec.count, spec.org_ids), spec.rate)
            await until_metric("slotwire_outbox_published_total", spec.count)
        tell(Result(await source.commits()))


if __name__ == "__main__":
    run(lambda: main(spec_of(Spec)))
