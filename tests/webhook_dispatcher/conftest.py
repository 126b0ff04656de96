"""A database of the dispatcher's own, and a dispatcher on it."""

from collections.abc import AsyncIterator

import pytest

from support.dispatcher import Dispatcher, prepare, running


@pytest.fixture
async def prepared(database: str) -> str:
    """The URL of a database with the dispatcher's tables."""
    await prepare(database)
    return database


@pytest.fixture
async def dispatcher(prepared: str) -> AsyncIterator[Dispatcher]:
    """A running dispatcher, without Kafka."""
    async with running(prepared) as one:
        yield one
