"""Writing records.

Invariant: an awaited acknowledgement means that the record is in the log, once and in its place.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from chassis.kafka.records import REQUEST_BYTES, REQUEST_MS

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
"""What the acknowledgement of a record raises that is larger than the topic takes, however often it is sent."""

BATCH_BYTES = 256 * 1024
"""What the records that a producer sends together measure at most, unless it is told otherwise."""

_STOP_SECONDS = 3.0


class Producer:
    """An idempotent producer with acks=all; at most one batch a partition is under way.

    A batch is taken or refused as a whole. A record that is larger than a batch may be is sent alone.

    Attributes:
        batch_bytes: what records that are sent together may measure.
    """

    def __init__(self, producer: AIOKafkaProducer, batch_bytes: int) -> None:
        self._producer = producer
        self.batch_bytes = batch_bytes

    @classmethod
    @asynccontextmanager
    async def connected(cls, bootstrap: str, *, batch_bytes: int = BATCH_BYTES) -> AsyncIterator["Producer"]:
        """Connect for the block; at its end what is under way is given a moment and then left.

        Args:
            bootstrap: the brokers.
            batch_bytes: what records that are sent together may measure.

        Raises:
            KafkaError: when no broker answers.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=batch_bytes,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        try:
            await producer.start()
            yield cls(producer, batch_bytes)
        finally:
            await _stop(producer)

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> Awaitable[object]:
        """Hand a record over; the answer is awaited for the broker's acknowledgement.

        Raises:
            KafkaError: when the record cannot be taken (producer closed, broker away for long).
        """
        try:
            pending: Awaitable[object] = await self._producer.send(topic, value, key=key, headers=list(headers))
        except TOO_LARGE as error:
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused
        return pending


async def _stop(producer: AIOKafkaProducer) -> None:
    """End a producer without waiting for a broker that may never come back."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
    except TimeoutError:
        sender = producer._sender  # noqa: SLF001 - stop() waits for the flush only; this ends it without
        await sender.close()
        await producer.client.close()
