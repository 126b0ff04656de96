"""The inbox: the events whose effect is committed, each with its record.

Invariant: an event's inbox row is written in the transaction of its effect, so a record that comes again (after a
crash, a rebalance, a second publish) has no second effect.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.consumer import After, Incoming
from chassis.kafka import Partition, Record
from chassis.lifecycle import Stop
from chassis.postgres import Connection, Database

E = TypeVar("E")
Handle = Callable[[Connection, Sequence[Incoming[E]]], Awaitable[After | None]]

_CLAIM = """
INSERT INTO inbox (event_id, topic, partition, position, record)
SELECT event_id, topic, partition, position, record
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bytea[])
    AS given (event_id, topic, partition, position, record)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""

_KEPT = "30 days"  # far longer than any topic keeps its records, after which none comes again
_SWEEP_SECONDS = 600.0
_SWEEP_ROWS = 1_000
_SWEEP = f"""
DELETE FROM inbox WHERE event_id IN (
    SELECT event_id FROM inbox WHERE received_at < now() - interval '{_KEPT}' LIMIT $1
)
"""


@dataclass(frozen=True, slots=True)
class Inbox(Generic[E]):
    """The sink of a service that claims events in the table `inbox`.

    Attributes:
        handle: acts on new events inside the transaction; what it answers is called after the commit.
        at_once: how many events one transaction takes at most.
    """

    handle: Handle[E]
    at_once: int = 1_000

    def parts(self, incoming: Sequence[Incoming[E]]) -> Iterable[Sequence[Incoming[E]]]:
        """Divide what was read by its number."""
        return [incoming[start : start + self.at_once] for start in range(0, len(incoming), self.at_once)]

    async def prepare(self, incoming: Sequence[Incoming[E]]) -> None:
        """Do nothing: the inbox takes every event."""

    async def take(self, conn: Connection, incoming: Sequence[Incoming[E]]) -> After | None:
        """Have new events handled, and commit that."""
        async with conn.transaction():
            fresh = await _claim(conn, incoming)
            return await self.handle(conn, fresh) if fresh else None

    async def set_aside(self, conn: Connection, records: Sequence[Record]) -> None:
        """Do nothing: dead letters are kept on their topic alone."""

    async def known(self, _conn: Connection, _partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Tell nothing: no row tells of dead letters, nor of what came twice, so the group's offset counts."""
        return {}


async def _claim(conn: Connection, incoming: Sequence[Incoming[E]]) -> list[Incoming[E]]:
    """Write inbox rows and answer the events that had none, in their order, each once."""
    first = {one.event_id: one for one in reversed(incoming)}
    rows = await conn.fetch(_CLAIM, *_columns(first.values()))
    fresh = {row["event_id"] for row in rows}
    return [one for one in incoming if one.event_id in fresh and first[one.event_id] is one]


def _columns(incoming: Iterable[Incoming[E]]) -> tuple[list[object], ...]:
    records = list(incoming)
    return (
        [one.event_id for one in records],
        [one.record.topic for one in records],
        [one.record.partition for one in records],
        [one.record.offset for one in records],
        [one.record.value for one in records],
    )


async def sweep(database: Database, stop: Stop) -> None:
    """Delete the events of records that cannot come again, a little at a time, until asked to stop."""
    while not await stop.wait(_SWEEP_SECONDS):
        deleted = "DELETE 1"
        while deleted != "DELETE 0" and not stop.is_set():
            async with database.connection() as connection:
                deleted = await connection.execute(_SWEEP, _SWEEP_ROWS)
            await asyncio.sleep(0)
