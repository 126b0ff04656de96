"""Fixtures that every test may use: the servers, and a database of one's own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from support.servers import Servers, running_servers


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
