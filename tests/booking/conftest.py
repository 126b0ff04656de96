"""The service for a whole run, and an organization for each test; tests see only what is theirs."""

from collections.abc import AsyncIterator

import pytest

from booking.settings import DATABASE
from chassis.postgres import Database, database_url
from support.booking_desk import Desk, quiet_database
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


@pytest.fixture(scope="session")
async def quiet_db(servers: Servers) -> AsyncIterator[Database]:
    """A database of the service that nothing works on but the test."""
    async with quiet_database(servers) as opened:
        yield opened


@pytest.fixture
def desk(quiet_db: Database) -> Desk:
    """The use cases for the staff of a new organization, at an instant that the test sets."""
    return Desk(quiet_db)
