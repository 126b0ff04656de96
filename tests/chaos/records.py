"""Records that no consumer can take, put on topics.

Invariant: of each it is known where it stands.
"""

from collections.abc import AsyncIterator
from itertools import cycle, islice

from aiokafka import AIOKafkaProducer

from chaos.evidence import Poison

VALUES = (
    b"\xff\xfe\x00 no text",
    b'{"specversion":"1.0","id":"evt_',
    b"[]",
    b"",
    b'{"specversion":"1.0","id":"\\u0000","type":"reservation.created","source":"/chaos","subject":"\\u0000"}',
    b'{"specversion":"1.0","type":"reservation.cancelled","data":null}',
)


async def poisoned(bootstrap: str, topic: str, count: int) -> AsyncIterator[Poison]:
    """Put so many on a topic, spread over its partitions; tells of each when it is there.

    Raises:
        KafkaError: when the broker is away.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        for number, value in enumerate(islice(cycle(VALUES), count)):
            put = await producer.send_and_wait(topic, value, key=f"poison-{number}".encode())
            yield Poison(topic, put.partition, put.offset, value)
    finally:
        await producer.stop()
