"""The inbox: the events whose effect is committed, each with its record.

Invariant: an event's inbox row is written in the transaction of its effect, so a record that comes again (after a
crash, a rebalance, a second publish) has no second effect.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.consumer import After, Incoming
from chassis.kafka import Record
from chassis.postgres import Connection

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


@dataclass(frozen=True, slots=True)
class Inbox(Generic[E]):
    """The sink of a service that claims events in the table `inbox`.

    Attributes:
        handle: acts on new events inside the transaction; what it answers is called after the commit.
    """

    handle: Handle[E]

    def parts(self, incoming: Sequence[Incoming[E]]) -> Iterable[Sequence[Incoming[E]]]:
        """Take all that was read at once."""
        return [incoming] if incoming else []

    async def prepare(self, incoming: Sequence[Incoming[E]]) -> None:
        """Do nothing: the inbox takes every event."""

    async def take(self, conn: Connection, incoming: Sequence[Incoming[E]]) -> After | None:
        """Have new events handled, and commit that."""
        async with conn.transaction():
            fresh = await _claim(conn, incoming)
            return await self.handle(conn, fresh) if fresh else None

    async def set_aside(self, conn: Connection, records: Sequence[Record]) -> None:
        """Do nothing: dead letters are kept on their topic alone."""


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
