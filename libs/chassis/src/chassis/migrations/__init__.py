"""Numbered SQL files, applied once each, in order, under an advisory lock.

Owns the table `schema_migrations` of every database. Invariant: a file that was applied never changes: its checksum is
kept, and a changed file stops the migration. The tables that chassis itself needs (outbox, inbox, idempotency keys)
are files beside this module and come first in every service's database.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import asyncpg
import structlog

from chassis.postgres import DedicatedConnection, create_database, database_url

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x51074713  # one number for all of Slotwire's migrations; advisory locks are per database

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    component text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (component, number)
)
"""


class MigrationError(Exception):
    """The files and the database disagree; nothing was applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    component: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the file's text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read(package: str) -> list[Migration]:
    """Read the files of `<package>.migrations`, in order.

    Raises:
        MigrationError: when a file is misnamed or a number is used twice or left out.
    """
    found = []
    for file in resources.files(package).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            match = _NAME.fullmatch(file.name)
            if match is None:
                raise MigrationError(f"{file.name} is not named like 0001_what_it_does.sql")
            found.append(Migration(package, int(match["number"]), file.name, file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"the migrations of {package} are not numbered 1, 2, 3 …")
    return found


async def migrate(server_url: str, database: str, packages: list[str]) -> list[str]:
    """Create a database if it is missing and apply what it lacks, one transaction a file.

    Args:
        server_url: the server; the path of the URL is not used.
        database: the database's name.
        packages: whose migrations, in this order.

    Returns:
        The names of the files applied now.

    Raises:
        MigrationError: when an applied file has changed.
    """
    wanted = [migration for package in packages for migration in read(package)]
    await create_database(server_url, database)
    connection = await asyncpg.connect(database_url(server_url, database))
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_LEDGER)
        rows = await connection.fetch("SELECT component, number, checksum FROM schema_migrations")
        applied = {(row["component"], row["number"]): row["checksum"] for row in rows}
        return [migration.name for migration in wanted if await _apply(connection, migration, applied)]
    finally:
        await connection.close()


async def _apply(connection: DedicatedConnection, migration: Migration, applied: dict[tuple[str, int], str]) -> bool:
    known = applied.get((migration.component, migration.number))
    if known == migration.checksum:
        return False
    if known is not None:
        raise MigrationError(f"{migration.component}/{migration.name} was applied and has changed since")
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
            migration.component,
            migration.number,
            migration.name,
            migration.checksum,
        )
    _log.info("migration_applied", component=migration.component, file=migration.name)
    return True
