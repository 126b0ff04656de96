"""What a consumer is done with and has not committed yet.

Each commit costs the broker a write, so what is done within a moment is committed together.

Invariant: of a partition that is still ours the offset is committed some time, even if no more of its records come:
what failed is repeated. What others read by now is theirs to commit, and dropped here.
"""

import asyncio
from collections import Counter as Counts
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from chassis.kafka import Consumer, KafkaError, Partition, Record, ends

_log = structlog.get_logger(__name__)
_CONSUMED = Counter("slotwire_consumed_total", "Records whose offsets were committed.", ["topic"])

_GATHER_SECONDS = 0.1
_AGAIN_SECONDS = 1.0


class Offsets:
    """The ends of what is done, by partition, and how many records that is."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._ends: dict[Partition, int] = {}
        self._counts: Counts[Partition] = Counts()
        self._due = 0.0

    def add(self, records: Sequence[Record]) -> None:
        """Take what is done."""
        if not self._ends:
            self._due = asyncio.get_running_loop().time() + _GATHER_SECONDS
        self._ends |= ends(records)
        self._counts.update((one.topic, one.partition) for one in records)

    def left(self, otherwise: float) -> float:
        """Tell for how many seconds to gather yet; where there is nothing, the time is anybody's."""
        return max(0.0, self._due - asyncio.get_running_loop().time()) if self._ends else otherwise

    async def commit_ripe(self) -> None:
        """Commit if it is time to."""
        if self._ends and not self.left(0.0):
            await self.commit()

    async def commit(self) -> None:
        """Commit what is done until now; if that fails the records may come again, and the sink knows them."""
        done, counts = self._ends, self._counts
        self._ends, self._counts = {}, Counts()
        try:
            committed = await self._consumer.commit(done)
        except KafkaError as error:
            _log.warning("offsets_not_committed", error=repr(error))
            self._ends, self._counts = done | self._ends, counts + self._counts
            self._due = asyncio.get_running_loop().time() + _AGAIN_SECONDS
            return
        if gone := done.keys() - committed:
            _log.warning("offsets_of_others", partitions=sorted(gone))
        for partition in committed:
            _CONSUMED.labels(partition[0]).inc(counts[partition])
