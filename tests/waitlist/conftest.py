"""The service beside a booking service for a whole run, and an organization for each test."""

from collections.abc import AsyncIterator

import pytest

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
