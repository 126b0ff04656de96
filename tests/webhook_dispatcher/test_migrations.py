"""What was there before the tables had a partition a day is there afterwards, but for secrets that nobody needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis import migrations
from chassis.clock import utc_now
from chassis.ids import next_id
from chassis.migrations import migrate
from slotwire_contracts import encode
from support.dispatcher import ORG, a_happening
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.store.days import DAYS

AGES = (0, 1, 1, 40)


async def test_rows_move_into_the_days_of_their_ids(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = PurePosixPath(urlsplit(database).path).name
    events = [a_happening(id=next_id("evt", None, utc_now() - timedelta(days=age)), sequence=age + 1) for age in AGES]
    async with migrated_halfway(database, name, monkeypatch) as conn:
        for event in events:
            await conn.execute(
                "INSERT INTO inbox (event_id, topic, partition, position, record) VALUES ($1, 't', 3, 7, $2)",
                event.id,
                encode(event),
            )
            for subscription_id in ("sub_a", "sub_b"):
                await conn.execute(
                    """
                    INSERT INTO deliveries (id, event_id, subscription_id, org_id, event_type, due_at)
                    VALUES ($1, $2, $3, $4, $5, now())
                    """,
                    delivery_id(event.id, subscription_id),
                    event.id,
                    subscription_id,
                    ORG,
                    event.type,
                )
        await conn.execute(
            """
            INSERT INTO attempts (delivery_id, number, started_at, latency_ms, status)
            SELECT id, 1, now(), 5, 500 FROM deliveries
            """
        )
        await conn.execute(
            """
            INSERT INTO subscriptions (
                id, org_id, url, events, headers, secret, state, created_at, updated_at, version
            )
            SELECT 'sub_' || state, $1, 'https://example.com/', '{*}', 'h', 's', state, now(), now(), 1
            FROM unnest(ARRAY['active', 'deleted']) AS given (state)
            """,
            ORG,
        )
        before_rows = await rows(conn)

        assert await migrate(database, name, ["chassis", "webhook_dispatcher"]) != []

        moved = zip(await rows(conn), before_rows, strict=True)
        assert [{name: after[name] for name in before} for after, before in moved] == before_rows
        known = await conn.fetch(
            """
            SELECT event_id, org_id, type, resource_id, sequence, topic, partition, position, record, matched
            FROM events
            """
        )
        assert sorted(map(tuple, known)) == sorted(
            (one.id, ORG, one.type, one.subject, one.sequence, "t", 3, 7, encode(one), 2) for one in events
        )
        tallies = await conn.fetch("SELECT day, events, deliveries FROM tallies ORDER BY day DESC")
        today = utc_now().date()
        assert [((today - row["day"]).days, *list(row)[1:]) for row in tallies] == [(0, 1, 2), (1, 2, 4), (40, 1, 2)]
        for table in ("events", "deliveries", "attempts"):
            partitions = await conn.fetch(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")
            days = {today - timedelta(days=age) for age in AGES}
            assert {row[0] for row in partitions} == {f"{table}_{day:%Y%m%d}" for day in days}
        kept = await conn.fetch("SELECT id, headers, secret FROM subscriptions ORDER BY id")
        assert [tuple(row) for row in kept] == [("sub_active", b"h", b"s"), ("sub_deleted", None, None)]
        # Nobody noted which days were dropped, so any that is missing before one that is there may have been.
        assert await conn.fetchval("SELECT dropped_until FROM retention") == today - timedelta(days=2)
        assert await conn.fetchval("SELECT array_agg(day) FROM restored_days") == [today - timedelta(days=40)]


async def test_a_day_that_was_there_is_stored_as_one_that_is_made(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = PurePosixPath(urlsplit(database).path).name
    event = a_happening()
    async with migrated_halfway(database, name, monkeypatch) as conn:
        await conn.execute(
            "INSERT INTO inbox (event_id, topic, partition, position, record) VALUES ($1, 't', 3, 7, $2)",
            event.id,
            encode(event),
        )
        await migrate(database, name, ["chassis", "webhook_dispatcher"])
        today = utc_now().date()
        later = today + timedelta(days=1)
        assert await DAYS.ensure(conn, [today, later]) == [later]
        for table in DAYS.tables:
            there, made = [await storage(conn, table.of(day)) for day in (today, later)]
            assert there == made != set()


@asynccontextmanager
async def migrated_halfway(
    database: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to a database as it was before its tables had days."""
    read = migrations.read
    with monkeypatch.context() as before:
        before.setattr(migrations, "read", lambda package: read(package)[:1])
        await migrate(database, name, ["chassis", "webhook_dispatcher"])
    conn = await asyncpg.connect(database)
    try:
        yield conn
    finally:
        await conn.close()


async def storage(conn: "asyncpg.Connection[asyncpg.Record]", table: str) -> set[str]:
    """The storage parameters of a table."""
    return set(await conn.fetchval("SELECT reloptions FROM pg_class WHERE oid = $1::regclass", table) or ())


async def rows(conn: "asyncpg.Connection[asyncpg.Record]") -> list[dict[str, object]]:
    queries = ("SELECT * FROM deliveries ORDER BY id", "SELECT * FROM attempts ORDER BY delivery_id")
    return [dict(row) for query in queries for row in await conn.fetch(query)]
