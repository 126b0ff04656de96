"""The service for a whole run, and an organization for each test; tests see only what is theirs."""

from collections.abc import AsyncIterator

import pytest

from booking.settings import DATABASE
from chassis.postgres import Database, database_url
from support.booking_service import Caller, Service, running_service
from support.servers import Servers


@pytest.fixture(scope="session")
async def service(servers: Servers) -> AsyncIterator[Service]:
    """The running service."""
    async with running_service(servers) as running:
        yield running


@pytest.fixture
async def staff(service: Service) -> Caller:
    """Staff of a new organization, with all scopes."""
    return await service.caller()


@pytest.fixture(scope="session")
async def db(service: Service) -> AsyncIterator[Database]:
    """The service's own database, to look into."""
    url = database_url(service.settings.postgres_url, DATABASE)
    async with Database(url, pool_size=4, application="tests").opened() as opened:
        yield opened
