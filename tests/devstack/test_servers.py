"""Both kinds of test servers behave alike: what was acknowledged survives kill -9, and the address stays."""

import asyncio

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from support.servers import Servers

TOPIC = "kept"


async def test_a_killed_postgres_comes_back_with_its_data(servers: Servers, database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE kept (word text)")
    await connection.execute("INSERT INTO kept VALUES ('committed')")
    before = servers.postgres.pid

    await asyncio.to_thread(servers.postgres.kill)
    connection.terminate()
    await asyncio.to_thread(servers.postgres.start)

    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT word FROM kept") == "committed"
    await connection.close()
    assert servers.postgres.pid != before


async def test_a_killed_broker_comes_back_with_every_acknowledged_record(servers: Servers) -> None:
    await _create_topic(servers.kafka_bootstrap)
    sent = [b"%d" % number for number in range(200)]
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap, acks="all") as producer:
        for word in sent:
            await producer.send_and_wait(TOPIC, word)
    before = servers.kafka.pid

    await asyncio.to_thread(servers.kafka.kill)
    await asyncio.to_thread(servers.kafka.start)

    assert await _read(servers.kafka_bootstrap, len(sent)) == sent
    assert servers.kafka.pid != before


async def test_postgres_never_trades_durability(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.postgres_url)
    settings = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "data_checksums")]
    await connection.close()
    assert settings == ["on", "on", "on"]


async def _create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()


async def _read(bootstrap: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]
    finally:
        await consumer.stop()
