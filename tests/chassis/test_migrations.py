"""Migrations apply once each, in order, whoever else migrates, and refuse a file that changed."""

import asyncio
import sys
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.migrations import MigrationError, migrate, read
from chassis.postgres import Database, create_database


def name_of(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two migrations; its folder."""
    folder = tmp_path / "parcel" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "parcel" / "__init__.py").touch()
    (folder / "0001_first.sql").write_text("CREATE TABLE parcel (id int)")
    (folder / "0002_second.sql").write_text("INSERT INTO parcel VALUES (1); SELECT pg_sleep(0.05)")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("parcel", None)
    return folder


@pytest.mark.usefixtures("package")
async def test_each_file_is_applied_once_however_many_migrate_at_once(database: str) -> None:
    applied = await asyncio.gather(*(migrate(database, name_of(database), ["parcel"]) for _ in range(5)))

    connection = await asyncpg.connect(database)
    rows = await connection.fetchval("SELECT count(*) FROM parcel")
    await connection.close()
    assert rows == 1
    assert sorted(len(names) for names in applied) == [0, 0, 0, 0, 2]


async def test_a_changed_file_stops_the_migration(database: str, package: Path) -> None:
    await migrate(database, name_of(database), ["parcel"])
    (package / "0001_first.sql").write_text("CREATE TABLE parcel (id bigint)")

    with pytest.raises(MigrationError, match=r"parcel/0001_first\.sql was applied and has changed since"):
        await migrate(database, name_of(database), ["parcel"])


async def test_a_failing_file_leaves_nothing_and_can_be_mended(database: str, package: Path) -> None:
    (package / "0003_third.sql").write_text("CREATE TABLE half (id int); SELECT 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, name_of(database), ["parcel"])

    (package / "0003_third.sql").write_text("CREATE TABLE half (id int)")

    assert await migrate(database, name_of(database), ["parcel"]) == ["0003_third.sql"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("3_third.sql", "not named like"),
        ("0004_fourth.sql", "numbered 1, 2, 3"),
        ("0002_again.sql", "numbered 1, 2, 3"),
    ],
)
def test_misnamed_and_misnumbered_files_are_refused(package: Path, name: str, reason: str) -> None:
    (package / name).write_text("SELECT 1")

    with pytest.raises(MigrationError, match=reason):
        read("parcel")


async def test_a_database_is_created_once_however_many_create_it(database: str) -> None:
    fresh = f"{name_of(database)}_made"
    try:
        made = await asyncio.gather(*(create_database(database, fresh) for _ in range(4)))
    finally:
        connection = await asyncpg.connect(database)
        await connection.execute(f'DROP DATABASE "{fresh}"')
        await connection.close()

    assert made.count(True) == 1


async def test_what_came_long_ago_is_found_by_its_age_in_every_service(db: Database) -> None:
    """An inbox keeps a month's events, and is swept every ten minutes."""
    async with db.transaction() as conn:
        await conn.execute("SET LOCAL enable_seqscan = off")
        plan = await conn.fetch("EXPLAIN SELECT event_id FROM inbox WHERE received_at < now() LIMIT 1000")
    assert "inbox_by_age" in "\n".join(row[0] for row in plan)
