"""Fixtures that every test may use: the servers, and a database of one's own. And what concerns the run as a whole."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.lifecycle import spare_collector
from support.servers import Servers, running_servers

_LONG = ("e2e", "docs", "devstack")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that no worker is left with one when the others are done."""
    tests = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(tests).parts[0] not in _LONG)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules and the tests."""
    spare_collector()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Kafka for the whole run; a test that kills one starts it again before it ends."""
    with running_servers() as both:
        yield both


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[str]:
    """The URL of an empty database, dropped afterwards even if connections were left open."""
    name = f"test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(servers.postgres_url)
    await server.execute(f'CREATE DATABASE "{name}"')
    yield urlsplit(servers.postgres_url)._replace(path=f"/{name}").geturl()
    await server.close()
    server = await asyncpg.connect(servers.postgres_url)
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()
