"""A connection for tests that write by hand."""

from collections.abc import AsyncIterator

import pytest

from chassis.postgres import Connection, Database


@pytest.fixture
async def conn(db: Database) -> AsyncIterator[Connection]:
    """A connection whose work is never committed."""
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
