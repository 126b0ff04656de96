"""The reference of the relay: aiokafka's producer alone, acks=all and idempotent, sending the same records.

Invariant: its batches and its linger are those of the relay's producer, so that what differs is the outbox.
"""

import asyncio
import time
from dataclasses import dataclass

import uvloop
from aiokafka import AIOKafkaProducer

from bench.child import quiet_collector, spec_of, tell
from bench.records import records


@dataclass(frozen=True)
class Spec:
    """What to send."""

    bootstrap: str
    topic: str
    count: int
    value_bytes: int


@dataclass(frozen=True)
class Result:
    """How long it took from the first record handed over to the last one acknowledged, in seconds."""

    seconds: float


async def main(spec: Spec) -> Result:
    """Send all records."""
    made = records(spec.count, spec.value_bytes)
    producer = AIOKafkaProducer(
        bootstrap_servers=spec.bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=256 * 1024,
        max_request_size=4 * 1024 * 1024,
    )
    await producer.start()
    try:
        headers = [("content-type", b"application/cloudevents+json")]
        quiet_collector()
        began = time.perf_counter()
        pending = [await producer.send(spec.topic, value, key=key, headers=headers) for _, key, value in made]
        await asyncio.gather(*pending)
        return Result(time.perf_counter() - began)
    finally:
        await producer.stop()


if __name__ == "__main__":
    tell(uvloop.run(main(spec_of(Spec))))
