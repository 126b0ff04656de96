"""I2: every outbox row is published at least once, in order per key, and goes only after the broker's word."""

import asyncio
import functools
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from chassis import outbox
from chassis.kafka import Record
from chassis.lifecycle import Loop, background
from chassis.outbox import OutboxMessage, Relay, TooLargeError
from chassis.postgres import Connection, Database
from slotwire_contracts import BOOKING_EVENTS, Topic
from support.servers import Servers
from support.topics import fresh_topic, limit_topic, read_topic
from support.waiting import all_told, eventually

PATIENT = 3600.0
COUNT_DELETIONS = """
CREATE TABLE deletions (at timestamptz);
CREATE FUNCTION count_deletion() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO deletions VALUES (now()); RETURN NULL; END $$;
CREATE TRIGGER deletion AFTER DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION count_deletion();
"""


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    async with background(*(Loop(f"relay {n}", relay.run) for n, relay in enumerate(relays)), drain_seconds=10):
        yield


def message(topic: str, key: int, number: int) -> OutboxMessage:
    return OutboxMessage(f"evt_{number}", topic, b"bk_%d" % key, b"%d" % number)


async def append(connection: Connection, *messages: OutboxMessage) -> None:
    await outbox.append(connection, messages)


async def write(db: Database, *messages: OutboxMessage) -> None:
    async with db.transaction() as connection:
        await append(connection, *messages)


def in_order_of_first_arrival(records: list[Record]) -> dict[bytes, list[int]]:
    """The numbers under each key, repetitions left out."""
    by_key: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        number = int(record.value)
        if number not in by_key[record.key or b""]:
            by_key[record.key or b""].append(number)
    return by_key


def rises(numbers: list[int]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


async def test_all_is_published_in_order_per_key_and_deleted(db: Database, servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)

    async with running(relay):
        for start in range(0, 5000, 500):
            await write(db, *(message(topic.name, n % 37, n) for n in range(start, start + 500)))
            relay.wake()
        await all_told(db)

    records = await read_topic(servers.kafka_bootstrap, topic.name)
    assert sorted(int(record.value) for record in records) == list(range(5000))
    assert all(rises(numbers) for numbers in in_order_of_first_arrival(records).values())
    assert dict(records[0].headers) == {"content-type": b"application/cloudevents+json"}


async def test_a_row_that_commits_late_with_a_lower_id_is_published(db: Database, servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)

    async with running(relay):
        async with db.transaction() as late:
            await append(late, message(topic.name, 1, 1))
            await write(db, message(topic.name, 2, 2))
            relay.wake()
            await all_told(db)
        relay.wake()
        await all_told(db)

    assert [int(record.value) for record in await read_topic(servers.kafka_bootstrap, topic.name)] != []
    assert {int(record.value) for record in await read_topic(servers.kafka_bootstrap, topic.name)} == {1, 2}


async def test_the_wake_is_enough_without_the_poll(
    db: Database, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_POLL_SECONDS", PATIENT)
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)

    async with running(relay):
        for number in range(20):
            await write(db, message(topic.name, 1, number))
            relay.wake()
            await all_told(db)


async def test_rows_that_come_one_by_one_are_deleted_together(db: Database, servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)
    async with db.connection() as connection:
        await connection.execute(COUNT_DELETIONS)

    async with running(relay):
        await write(db, message(topic.name, 1, 0))
        await all_told(db)
        for number in range(1, 101):
            await write(db, message(topic.name, 1, number))
            relay.wake()
            await asyncio.sleep(0.005)
        await all_told(db)

    assert [int(record.value) for record in await read_topic(servers.kafka_bootstrap, topic.name)] == list(range(101))
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM deletions") < 50


async def test_the_age_of_the_oldest_row_is_told_while_nobody_publishes(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_LOOK_SECONDS", 0.02)
    await write(db, message("nowhere", 1, 1))

    async def is_told() -> bool:
        return (REGISTRY.get_sample_value("slotwire_outbox_oldest_seconds") or 0.0) > 0.1

    async with background(Loop("outbox", functools.partial(outbox.watch, db)), drain_seconds=1):
        await eventually(is_told)


async def test_a_wake_in_a_process_that_does_not_lead_reaches_the_leader(
    migrated: str, db: Database, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    leader = Relay(db, servers.kafka_bootstrap)
    async with running(leader), Database(migrated, pool_size=2, application="other").opened() as other:
        await write(db, message(topic.name, 1, 1))
        await all_told(db)
        monkeypatch.setattr(outbox, "_POLL_SECONDS", PATIENT)
        follower = Relay(other, servers.kafka_bootstrap)
        async with running(follower):
            await asyncio.sleep(1.2)  # both are past the waits that began with the short poll
            await write(db, message(topic.name, 1, 2))
            follower.wake()
            await all_told(db)


async def test_when_the_leader_loses_its_session_the_other_takes_over(
    migrated: str, db: Database, servers: Servers
) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    async with (
        Database(migrated, pool_size=2, application="other").opened() as other,
        running(Relay(db, servers.kafka_bootstrap), Relay(other, servers.kafka_bootstrap)),
    ):
        for number in range(10):
            await write(db, message(topic.name, 1, number))
            await all_told(db)
            async with db.connection() as connection:
                leading = await connection.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            assert leading == 1

    records = await read_topic(servers.kafka_bootstrap, topic.name)
    assert in_order_of_first_arrival(records) == {b"bk_1": list(range(10))}


@pytest.mark.parametrize("away", ["kafka", "postgres"])
async def test_a_server_that_is_killed_and_comes_back_needs_no_restart(
    db: Database, servers: Servers, away: str
) -> None:
    """Known faults: «A broker that goes away and comes back wedges nobody, neither who publishes nor who reads.»"""
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)
    server = servers.kafka if away == "kafka" else servers.postgres

    async with running(relay):
        await write(db, *(message(topic.name, n % 5, n) for n in range(100)))
        relay.wake()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await eventually_written(db, *(message(topic.name, n % 5, n) for n in range(100, 200)))
        relay.wake()
        await all_told(db)

    records = await read_topic(servers.kafka_bootstrap, topic.name)
    assert {int(record.value) for record in records} == set(range(200))
    assert all(rises(numbers) for numbers in in_order_of_first_arrival(records).values())


async def eventually_written(db: Database, *messages: OutboxMessage) -> None:
    """Write, once the database has let go of the connections that it lost."""
    await eventually(db.answers)
    for _ in range(12):
        try:
            return await write(db, *messages)
        except Exception:  # noqa: BLE001, S112 - each pooled connection that died is met once
            continue
    raise AssertionError("the database does not come back")


def filled(topic: Topic, size: int) -> OutboxMessage:
    """A message whose key and value measure so many bytes together."""
    return OutboxMessage("evt_1", topic.name, b"bk_1", b"v" * (size - len(b"bk_1")))


async def test_the_largest_message_is_published_and_a_larger_one_is_not_written(db: Database, servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap)
    relay = Relay(db, servers.kafka_bootstrap)
    room = outbox.room(topic)

    async with running(relay):
        with pytest.raises(TooLargeError, match="the event evt_1 measures 1048321 bytes, more than"):
            await write(db, filled(topic, room + 1))
        await write(db, filled(topic, room))
        relay.wake()
        await all_told(db)

    (record,) = await read_topic(servers.kafka_bootstrap, topic.name)
    assert len(record.key or b"") + len(record.value) == room


@pytest.mark.parametrize("size", [outbox.room(BOOKING_EVENTS), 5 * 1024 * 1024], ids=["for the broker", "for us"])
async def test_what_the_broker_never_takes_is_set_aside_and_stops_nobody(
    db: Database, servers: Servers, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, max_message_bytes=500_000)
    monkeypatch.setattr(outbox, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "_LIMITS", {topic.name: 2 * size})

    async def is_told() -> bool:
        return REGISTRY.get_sample_value("slotwire_outbox_set_aside") == 1

    before = [message(topic.name, n, n) for n in range(20)]
    after = [message(topic.name, n, 20 + n) for n in range(20)]
    async with running(Relay(db, servers.kafka_bootstrap)):
        await write(db, *before, filled(topic, size), *after)
        await all_told(db)
        async with background(Loop("outbox", functools.partial(outbox.watch, db)), drain_seconds=1):
            await eventually(is_told)

    records = await read_topic(servers.kafka_bootstrap, topic.name)
    assert {int(record.value) for record in records} == set(range(40))
    assert all(rises(numbers) for numbers in in_order_of_first_arrival(records).values())
    async with db.connection() as connection:
        row = await connection.fetchrow("SELECT event_id, topic, key, value, reason FROM outbox_set_aside")
    assert row is not None
    assert (row["event_id"], row["topic"], len(row["key"] + row["value"])) == ("evt_1", topic.name, size)
    assert "TooLarge" in row["reason"]


def rows_of(topic: Topic, count: int) -> list[OutboxMessage]:
    """Messages of a kilobyte, of few keys."""
    return [OutboxMessage(f"evt_{n}", topic.name, b"bk_%d" % (n % 7), b"%01000d" % n) for n in range(count)]


async def all_but_the_large_one(db: Database, servers: Servers, topic: Topic, count: int) -> dict[bytes, list[int]]:
    """The numbers under each key, when all rows but the large one are there."""
    records = await read_topic(servers.kafka_bootstrap, topic.name)
    assert {int(record.value) for record in records} == set(range(count))
    async with db.connection() as connection:
        assert [row["event_id"] for row in await connection.fetch("SELECT event_id FROM outbox_set_aside")] == ["evt_1"]
    return in_order_of_first_arrival(records)


@pytest.mark.parametrize("takes", [100_000, 1_200], ids=["many", "one"])
async def test_where_a_topic_takes_little_only_what_is_too_large_by_itself_is_set_aside(
    db: Database, servers: Servers, takes: int
) -> None:
    """A broker refuses a whole batch, and takes what comes behind it from who has sent nothing before."""
    topic = await fresh_topic(servers.kafka_bootstrap, max_message_bytes=takes)
    rows = rows_of(topic, 900)
    await write(db, *rows[:450], filled(topic, takes + 1), *rows[450:])

    async with running(Relay(db, servers.kafka_bootstrap)):
        await all_told(db)

    assert all(rises(numbers) for numbers in (await all_but_the_large_one(db, servers, topic, 900)).values())


@pytest.mark.parametrize("setting", ["max.message.bytes", "not.told"])
async def test_where_a_topic_takes_less_than_before_batches_become_smaller(
    db: Database, servers: Servers, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    monkeypatch.setattr("chassis.kafka.topics._BATCH_TAKEN", setting)
    rows = rows_of(topic, 900)

    async with running(Relay(db, servers.kafka_bootstrap)):
        await write(db, rows[0])
        await all_told(db)
        await limit_topic(servers.kafka_bootstrap, topic.name, 20_000)
        await write(db, *rows[1:450], filled(topic, 100_000), *rows[450:])
        await all_told(db)

    by_key = await all_but_the_large_one(db, servers, topic, 900)
    assert setting == "not.told" or all(rises(numbers) for numbers in by_key.values())
