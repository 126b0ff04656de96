"""Ending consumers.

Invariant: whatever a consumer has under way behind its start, its connections are closed, and nothing of it ends
whoever ends it.
"""

import asyncio

from aiokafka import AIOKafkaConsumer

from chassis.lifecycle import is_cancelled


async def close(consumer: AIOKafkaConsumer) -> None:
    """End a consumer.

    Of a fetch that waits for a broker aiokafka raises that it was cancelled, which it did itself, and leaves its
    connections open; who takes that for a cancellation of its own would end with it.
    """
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        await consumer._client.close()  # noqa: SLF001 - stop() has not come to it
        if is_cancelled():
            raise
