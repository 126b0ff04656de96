"""The inbox: the events whose effect is committed, each with its record.

Invariant: an event's inbox row is written in the transaction of its effect, so a record that comes again (after a
crash, a rebalance, a second publish) has no second effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.kafka import Record
from chassis.postgres import Connection

E_co = TypeVar("E_co", covariant=True)

_CLAIM = """
INSERT INTO inbox (event_id, topic, partition, position, record)
SELECT event_id, topic, partition, position, record
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bytea[])
    AS given (event_id, topic, partition, position, record)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""


@dataclass(frozen=True, slots=True)
class Incoming(Generic[E_co]):
    """A record and the event that was decoded from it, with the event's id."""

    event_id: str
    event: E_co
    record: Record


async def claim(connection: Connection, incoming: Sequence[Incoming[E_co]]) -> list[Incoming[E_co]]:
    """Write inbox rows and answer the events that had none, in their order, each once."""
    first = {one.event_id: one for one in reversed(incoming)}
    rows = await connection.fetch(_CLAIM, *_columns(first.values()))
    fresh = {row["event_id"] for row in rows}
    return [one for one in incoming if one.event_id in fresh and first[one.event_id] is one]


def _columns(incoming: Iterable[Incoming[E_co]]) -> tuple[list[object], ...]:
    records = list(incoming)
    return (
        [one.event_id for one in records],
        [one.record.topic for one in records],
        [one.record.partition for one in records],
        [one.record.offset for one in records],
        [one.record.value for one in records],
    )
