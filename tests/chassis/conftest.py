"""A database with chassis' own tables, and the one of keys."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from chassis import identity as identities
from chassis.identity import Identity
from chassis.migrations import migrate
from chassis.postgres import Database
from support.servers import Servers


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


@pytest.fixture
async def identity(servers: Servers) -> AsyncIterator[Identity]:
    """Where keys are made and looked up."""
    await identities.migrate(servers.postgres_url)
    made, database = Identity.on(servers.postgres_url)
    async with database.opened():
        yield made
