"""Topics: making them, what they take, and whether a broker is there at all.

Invariant: a topic that exists stays as it is.
"""

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.kafka.records import REQUEST_MS
from slotwire_contracts import Topic

_ANSWER_SECONDS = 3.0
_BROKERS_DEFAULT = -1
_BATCH_TAKEN = "max.message.bytes"


async def ensure_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Create the topics that are missing, with the broker's default of replicas; what exists stays as it is.

    Args:
        bootstrap: the brokers.
        topics: the topics, with their partitions and retention.

    Raises:
        KafkaError: when the broker is away or refuses.
    """
    wanted = [
        NewTopic(
            topic.name,
            topic.partitions,
            _BROKERS_DEFAULT,
            replica_assignments={},  # aiokafka takes the broker's default only beside an assignment
            topic_configs={
                "retention.ms": str(topic.retention_hours * 3_600_000),
                _BATCH_TAKEN: str(topic.max_message_bytes),
            },
        )
        for topic in topics
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
    try:
        await admin.start()
        response = await admin.create_topics(wanted)
        for _, code, *_ in response.topic_errors:
            error = for_code(code)
            if error is not TopicAlreadyExistsError and code != 0:
                raise error
    finally:
        await admin.close()


async def answers(bootstrap: str) -> bool:
    """Tell whether a broker answers now."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(_ANSWER_SECONDS * 1000))
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await admin.start()
            await admin.list_topics()
            return True
    except (KafkaError, TimeoutError, OSError):
        return False
    finally:
        await admin.close()


async def batch_limit(bootstrap: str, topics: Iterable[str]) -> int | None:
    """Tell what a batch may measure that each of the topics takes; None if the broker does not say.

    Raises:
        KafkaError: when the broker is away.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, {_BATCH_TAKEN: None}) for name in topics]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
    try:
        await admin.start()
        told = await admin.describe_configs(asked)
    finally:
        await admin.close()
    entries = [entry for response in told for resource in response.resources for entry in resource[4]]
    return min((int(value) for _, value, *_ in entries if value), default=None)
