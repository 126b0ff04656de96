"""The service beside a booking service for a whole run, and an organization for each test."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from chassis import migrations
from chassis.postgres import Database
from support.booking_service import running_service
from support.servers import Servers
from support.waitlist_service import Guest, WaitlistService, running_waitlist


@pytest.fixture(scope="session")
async def service(servers: Servers) -> AsyncIterator[WaitlistService]:
    """The running service."""
    async with running_service(servers) as booking, running_waitlist(servers, booking) as running:
        yield running


@pytest.fixture
async def staff(service: WaitlistService) -> Guest:
    """Staff of a new organization, with all scopes."""
    return await service.staff()


@pytest.fixture
async def client(service: WaitlistService, staff: Guest) -> Guest:
    """A client of that organization, with a key."""
    return await service.client(staff)


@pytest.fixture
def db(service: WaitlistService) -> Database:
    """The service's own database, to look into."""
    return service.database


@pytest.fixture
async def prepared(database: str) -> str:
    """The URL of a database with the service's tables, on which nothing works by itself."""
    await migrations.migrate(database, urlsplit(database).path.removeprefix("/"), ["chassis", "waitlist"])
    return database


@pytest.fixture
async def alone(prepared: str) -> AsyncIterator[Database]:
    """That database, with a pool."""
    async with Database(prepared, pool_size=10, application="tests").opened() as opened:
        yield opened
