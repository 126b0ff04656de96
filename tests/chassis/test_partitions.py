"""Daily partitions: made while others write, dropped by age unless needed, and nobody is kept waiting for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import asyncpg
import pytest

from chassis.partitions import DailyPartitions, InUseError, Table
from chassis.postgres import Connection, Database

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)


def least(day: date) -> str:
    return f"p_{day:%Y%m%d}"


PARCELS = DailyPartitions(
    (
        Table("parcels", least, "fillfactor = 70", needed=("open",)),
        Table("labels", least),
    )
)


@pytest.fixture
async def parcels(db: Database) -> Database:
    async with db.connection() as conn:
        await conn.execute(
            """
            CREATE TABLE parcels (
                id text COLLATE "C" PRIMARY KEY, open boolean NOT NULL DEFAULT false, number int CHECK (number > 0)
            ) PARTITION BY RANGE (id);
            CREATE INDEX parcels_open ON parcels (id) WHERE open;
            CREATE TABLE labels (id text COLLATE "C" PRIMARY KEY) PARTITION BY RANGE (id);
            """
        )
    return db


async def ensure(db: Database, *days: date) -> list[date]:
    async with db.transaction() as conn:
        return await PARCELS.ensure(conn, days)


async def drop(db: Database, day: date) -> bool:
    async with db.transaction() as conn:
        return await PARCELS.drop(conn, day)


async def days(db: Database) -> list[date]:
    async with db.connection() as conn:
        return await PARCELS.days(conn)


@asynccontextmanager
async def written(db: Database, table: str, day: date) -> AsyncIterator[Connection]:
    """A transaction that has written a row of a day and goes on."""
    async with db.transaction() as conn:
        await conn.execute(f"INSERT INTO {table} VALUES ('{least(day)}_1')")
        yield conn


async def test_a_day_has_a_partition_of_each_table_with_all_that_the_table_has(parcels: Database) -> None:
    assert await ensure(parcels, TODAY, TODAY + DAY) == [TODAY, TODAY + DAY]
    async with parcels.connection() as conn:
        await conn.execute("INSERT INTO parcels (id) VALUES ($1), ($2)", f"{least(TODAY)}_z", least(TODAY + DAY))
        rows = await conn.fetch("SELECT tableoid::regclass::text, id FROM parcels ORDER BY id")
        assert [row[0] for row in rows] == ["parcels_20261121", "parcels_20261122"]
        options = await conn.fetchval("SELECT reloptions FROM pg_class WHERE relname = 'parcels_20261121'")
        indexes = await conn.fetchval("SELECT count(*) FROM pg_indexes WHERE tablename = 'parcels_20261121'")
        assert (options, indexes) == (["fillfactor=70"], 2)
        with pytest.raises(asyncpg.UniqueViolationError):
            await conn.execute("INSERT INTO parcels (id) VALUES ($1)", least(TODAY + DAY))
        with pytest.raises(asyncpg.CheckViolationError, match="parcels_number_check"):
            await conn.execute("INSERT INTO parcels (id, number) VALUES ($1, 0)", f"{least(TODAY)}_2")
        with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
            await conn.execute("INSERT INTO labels VALUES ($1)", least(TODAY + 2 * DAY))


async def test_days_are_made_once_however_many_make_them(parcels: Database) -> None:
    wanted = [TODAY + number * DAY for number in range(5)]
    made = await asyncio.gather(*(ensure(parcels, *wanted[number % 2 :]) for number in range(6)))
    assert sorted(day for some in made for day in some) == wanted
    assert await days(parcels) == wanted


async def test_making_a_day_waits_for_no_writer(parcels: Database) -> None:
    await ensure(parcels, TODAY)
    async with written(parcels, "parcels", TODAY), asyncio.timeout(5):
        assert await ensure(parcels, TODAY - DAY) == [TODAY - DAY]


async def test_a_dropped_day_is_gone_from_every_table_and_the_others_stay(parcels: Database) -> None:
    await ensure(parcels, TODAY - DAY, TODAY)
    for day in (TODAY - DAY, TODAY):
        async with written(parcels, "parcels", day):
            pass
    assert await drop(parcels, TODAY - DAY)
    assert await days(parcels) == [TODAY]
    async with parcels.connection() as conn:
        assert await conn.fetchval("SELECT array_agg(id) FROM parcels") == [f"{least(TODAY)}_1"]
        assert await conn.fetchval("SELECT to_regclass('labels_20261120')") is None
    assert await drop(parcels, TODAY - DAY)  # as when two processes drop it


async def test_a_day_with_a_row_that_is_needed_is_kept(parcels: Database) -> None:
    await ensure(parcels, TODAY)
    async with parcels.connection() as conn:
        await conn.execute("INSERT INTO parcels VALUES ($1, true)", least(TODAY))
        assert not await drop(parcels, TODAY)
        await conn.execute("UPDATE parcels SET open = false")
    assert await drop(parcels, TODAY)


async def test_a_row_that_becomes_needed_while_the_drop_waits_keeps_its_day(parcels: Database) -> None:
    await ensure(parcels, TODAY)
    async with written(parcels, "parcels", TODAY) as conn:
        dropping = asyncio.create_task(drop(parcels, TODAY))
        await asyncio.sleep(0.1)
        await conn.execute("UPDATE parcels SET open = true")
    assert not await dropping


async def test_a_drop_keeps_others_waiting_for_a_moment_only(parcels: Database) -> None:
    await ensure(parcels, TODAY - DAY, TODAY)
    clock = asyncio.get_running_loop().time
    async with written(parcels, "labels", TODAY):
        dropping = asyncio.create_task(drop(parcels, TODAY - DAY))
        await asyncio.sleep(0.1)
        began = clock()
        async with written(parcels, "parcels", TODAY):
            waited = clock() - began
        with pytest.raises(InUseError):
            await dropping
    assert waited < 2.0
    assert await drop(parcels, TODAY - DAY)


async def test_a_day_that_is_in_use_by_itself_is_dropped_later(parcels: Database) -> None:
    """As by a vacuum, which knows nothing of the whole."""
    await ensure(parcels, TODAY)
    async with parcels.transaction() as conn:
        await conn.execute(f"LOCK TABLE labels_{TODAY:%Y%m%d} IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(InUseError):
            await drop(parcels, TODAY)
    assert await days(parcels) == [TODAY]
    assert await drop(parcels, TODAY)
