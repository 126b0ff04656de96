"""A database with chassis' own tables, and processes that can be killed."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from chassis.migrations import migrate
from chassis.postgres import Database


@pytest.fixture
async def migrated(database: str) -> str:
    """The URL of a database that holds outbox, inbox and idempotency keys."""
    await migrate(database, PurePosixPath(urlsplit(database).path).name, ["chassis"])
    return database


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    """That database, with a pool."""
    async with Database(migrated, pool_size=10, application="tests").opened() as opened:
        yield opened
