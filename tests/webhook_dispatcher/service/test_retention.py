"""Retention: days are there before they are needed, and are dropped by age with all that belongs to them."""

import asyncio
import functools
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.clock import utc_now
from chassis.ids import next_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from slotwire_contracts import ReservationEvent, dead_letter_topic, encode, record_key
from support.dispatcher import Dispatcher, a_happening, a_retention, dispatcher, put_deliveries
from support.endpoints import endpoint
from support.servers import Servers
from support.topics import fresh_topic, read_topic, write_topic
from support.waiting import eventually
from webhook_dispatcher.consumer import consumer
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service import retention as retention_rules
from webhook_dispatcher.store.days import DAYS
from webhook_dispatcher.worker import Retainer

KEPT = 30


def an_event_of(age: int) -> ReservationEvent:
    """An event that happened so many days ago."""
    return a_happening(id=next_id("evt", None, utc_now() - timedelta(days=age)))


async def days(db: Database) -> list[int]:
    """How old the days are that are there, the oldest first."""
    async with db.connection() as conn:
        return [(utc_now().date() - day).days for day in await DAYS.days(conn)]


async def written(db: Database, *ages: int) -> list[ReservationEvent]:
    """Events of some ages, each with a delivery that waits."""
    one = dispatcher(db)
    await one.subscribe("https://example.com/")
    events = [an_event_of(age) for age in ages]
    await a_retention(db).ensure({utc_now().date() - timedelta(days=age) for age in ages})
    await one.publish(*events)
    return events


async def kept(db: Database) -> dict[str, int]:
    async with db.connection() as conn:
        return {
            table: await conn.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("events", "deliveries", "attempts", "tallies")
        }


async def test_days_are_made_ahead(db: Database) -> None:
    async with background(Loop("partitions", Retainer(a_retention(db)).run), drain_seconds=5.0):

        async def are_there() -> bool:
            return await days(db) == [1, 0, -1, -2, -3]

        await eventually(are_there, within=5)


async def test_what_is_older_than_is_kept_is_dropped_whole(db: Database) -> None:
    old, new = await written(db, KEPT + 1, KEPT)
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET state = 'delivered', settled_at = now()")
        await conn.execute(
            """
            INSERT INTO attempts (delivery_id, number, started_at, latency_ms, status)
            SELECT id, 1, now(), 5, 204 FROM deliveries
            """
        )
        await conn.execute(
            """
            INSERT INTO gaps (topic, partition, first, next, found_at)
            VALUES ('t', 0, 1, 2, now() - interval '32 days'), ('t', 0, 5, 6, now())
            """
        )
        await a_retention(db, KEPT).drop_old()
        assert await conn.fetchval("SELECT array_agg(event_id) FROM events") == [new.id]
        assert await conn.fetchval("SELECT array_agg(first) FROM gaps") == [5]
    assert old.id != new.id
    assert await kept(db) == {"events": 1, "deliveries": 1, "attempts": 1, "tallies": 1}
    assert await days(db) == [KEPT, 0, -1]


async def test_a_day_with_pending_deliveries_is_not_dropped(db: Database) -> None:
    await written(db, KEPT + 9)
    retention = a_retention(db, KEPT)
    await retention.drop_old()
    assert await days(db) == [KEPT + 9, 0, -1]
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET leased_by = 'wrk_1'")
        await retention.drop_old()
        assert await days(db) == [KEPT + 9, 0, -1]
        await conn.execute("UPDATE deliveries SET state = 'exhausted', settled_at = now(), leased_by = NULL")
    await retention.drop_old()
    assert await days(db) == [0, -1]


async def test_a_day_in_use_is_dropped_later(db: Database) -> None:
    await written(db, KEPT + 1)
    retention = a_retention(db, KEPT)
    async with db.transaction() as conn:
        await conn.execute("UPDATE deliveries SET state = 'exhausted', settled_at = now()")
        await retention.drop_old()
        assert await days(db) == [KEPT + 1, 0, -1]
    await retention.drop_old()
    assert await days(db) == [0, -1]


async def test_events_of_other_days_are_taken_in_and_delivered(dispatcher: Dispatcher, servers: Servers) -> None:
    """A late event has its day made for it, after it was dropped too; consumers do not hinder each other in it."""
    topics = [await fresh_topic(servers.kafka_bootstrap, partitions=1) for _ in range(3)]
    retention = a_retention(dispatcher.database, KEPT)
    loops = [
        consumer(
            servers.kafka_bootstrap,
            dispatcher.database,
            dispatcher.ingest,
            a_retention(dispatcher.database, KEPT),
            clock=utc_now,
            topics=[topic],
            group=topic.name,
        )
        for topic in topics
    ]
    async with (
        endpoint() as receiver,
        background(*(Loop("consumer", loop.run) for loop in loops), drain_seconds=5.0),
    ):
        subscription = await dispatcher.subscribe(receiver.url)
        for _ in range(2):
            events = [an_event_of(age) for age in (400, 2, 9, KEPT, KEPT + 1)]
            records = [(record_key(event), encode(event)) for event in events]
            await asyncio.gather(*(write_topic(servers.kafka_bootstrap, topic.name, records) for topic in topics))
            for event in events:
                await eventually(functools.partial(came, dispatcher, event), within=20)
                assert (await dispatcher.settled(event, subscription)).state is DeliveryState.DELIVERED
            await retention.drop_old()
            assert await days(dispatcher.database) == [KEPT, 9, 2, 0, -1]
    assert len(receiver.requests) == 10
    for topic in topics:
        assert await read_topic(servers.kafka_bootstrap, dead_letter_topic(topic.name)) == []


async def came(one: Dispatcher, event: ReservationEvent) -> bool:
    async with one.database.connection() as conn:
        return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM deliveries WHERE event_id = $1)", event.id))


async def left(db: Database) -> dict[str, list[str]]:
    """Whose rows are there."""
    async with db.connection() as conn:
        return {
            table: [row[0] for row in await conn.fetch(f"SELECT {column} FROM {table} ORDER BY 1")]
            for table, column in (
                ("subscriptions", "id"),
                ("replays", "subscription_id"),
                ("replay_stretches", "topic"),
            )
        }


async def deleted(one: Dispatcher, age: int) -> Subscription:
    """A subscription with a job that was deleted so many days ago."""
    made = await one.subscribe("https://example.com/")
    async with one.database.transaction() as conn:
        await conn.execute(
            """
            WITH job AS (
                INSERT INTO replays (id, org_id, subscription_id, kind, since, until, dry_run)
                VALUES ('rpl_' || $1, 'org_test', $1, 'replay', now(), now(), false) RETURNING id
            )
            INSERT INTO replay_stretches SELECT id, $1, 0, 0, 1 FROM job
            """,
            made.id,
        )
        await one.store.delete(conn, replace(made, updated_at=utc_now() - timedelta(days=age)))
    return made


async def test_what_is_left_of_deleted_subscriptions_goes_with_their_deliveries(db: Database) -> None:
    one = dispatcher(db)
    live = await one.subscribe("https://example.com/")
    old, young, asked_for = [await deleted(one, age) for age in (KEPT + 2, KEPT - 1, KEPT + 2)]
    await a_retention(db).ensure({utc_now().date() - timedelta(days=KEPT + 3)})
    await put_deliveries(db, asked_for.id, 1, at=utc_now() - timedelta(days=KEPT + 3))
    kept = sorted((young.id, asked_for.id))
    for _ in range(2):
        await a_retention(db, KEPT).forget_deleted()
        rows = await left(db)
        assert rows == {"subscriptions": sorted((live.id, *kept)), "replays": kept, "replay_stretches": kept}
        assert old.id not in rows["subscriptions"]
    async with db.connection() as conn:
        await conn.execute("UPDATE deliveries SET state = 'discarded', reason = 'deleted', settled_at = now()")
    await a_retention(db, KEPT).drop_old()
    await a_retention(db, KEPT).forget_deleted()
    assert (await left(db))["subscriptions"] == sorted((live.id, young.id))


async def test_they_go_a_few_at_a_time_until_none_is_left(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_rules, "_SUBSCRIPTIONS", 2)
    for _ in range(5):
        await deleted(dispatcher(db), KEPT + 2)
    await a_retention(db, KEPT).forget_deleted()
    assert await left(db) == {"subscriptions": [], "replays": [], "replay_stretches": []}
