"""Records and partitions as all that reads or writes them knows them.

Invariant: nothing of aiokafka's leaves the package but its errors, which are `KafkaError`.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

__all__ = ["REQUEST_BYTES", "REQUEST_MS", "KafkaError", "Partition", "Record", "ends", "partition_of", "record_of"]

Partition = tuple[str, int]
"""A topic, and the number of one of its partitions."""

REQUEST_BYTES = 4 * 1024 * 1024
"""What a request to write, and what is read of a partition at once, may measure."""

REQUEST_MS = 15_000
"""How long the broker has for an answer."""


# A tuple, as it is made of every record: that takes a quarter of the time of a frozen dataclass.
class Record(NamedTuple):
    """A record as read from a topic; `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def ends(records: Iterable[Record]) -> dict[Partition, int]:
    """Tell the offsets behind some records, by partition."""
    found: dict[Partition, int] = {}
    for record in records:
        partition = record.topic, record.partition
        found[partition] = max(found.get(partition, 0), record.offset + 1)
    return found


@functools.lru_cache(maxsize=1024)
def partition_of(topic: str, partition: int) -> TopicPartition:
    """Name a partition as aiokafka does."""
    return TopicPartition(topic, partition)


def record_of(raw: object) -> Record:
    """Turn aiokafka's record, which ships no types, into ours."""
    return Record(
        raw.topic,  # type: ignore[attr-defined]  # aiokafka has no py.typed
        raw.partition,  # type: ignore[attr-defined]  # as above
        raw.offset,  # type: ignore[attr-defined]  # as above
        raw.timestamp,  # type: ignore[attr-defined]  # as above
        raw.key,  # type: ignore[attr-defined]  # as above
        raw.value or b"",  # type: ignore[attr-defined]  # as above
        tuple(raw.headers),  # type: ignore[attr-defined]  # as above
    )
