"""The service for a whole run."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from chassis import migrations
from chassis.postgres import Database
from support.booking_service import Caller
from support.calcom_service import CalcomService, running_calcom_service
from support.servers import Servers


@pytest.fixture(scope="session")
async def service(servers: Servers) -> AsyncIterator[CalcomService]:
    """The running service."""
    async with running_calcom_service(servers) as running:
        yield running


@pytest.fixture
async def admin(service: CalcomService) -> Caller:
    """An admin of a new organization."""
    return await service.caller()


@pytest.fixture
def db(service: CalcomService) -> Database:
    """The service's own database, to look into."""
    return service.database


@pytest.fixture
async def prepared(database: str) -> str:
    """The URL of a database with the service's tables, on which nothing works by itself."""
    await migrations.migrate(database, urlsplit(database).path.removeprefix("/"), ["chassis", "calcom_sync"])
    return database


@pytest.fixture
async def alone(prepared: str) -> AsyncIterator[Database]:
    """That database, with a pool."""
    async with Database(prepared, pool_size=10, application="tests").opened() as opened:
        yield opened
