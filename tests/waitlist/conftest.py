"""The service beside a booking service for a whole run, and an organization for each test."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from chassis import migrations
from chassis.postgres import Database
from support.booking_service import running_service
from support.servers import Servers
from support.waitlist_desk import Bistro, Desk, a_desk
from support.waitlist_service import Guest, WaitlistService, running_waitlist
from support.watch import Watch


@pytest.fixture(scope="session")
def turned() -> Watch:
    """The clock of both services."""
    return Watch()


@pytest.fixture
def watch(turned: Watch) -> Iterator[Watch]:
    """The clock of both services, for a test to turn; it is turned back behind it."""
    yield turned
    turned.ahead = timedelta()


@pytest.fixture(scope="session")
async def service(servers: Servers, turned: Watch) -> AsyncIterator[WaitlistService]:
    """The running service; it matches nothing and sweeps no queue by itself, so that tests say when."""
    async with (
        running_service(servers, turned) as booking,
        running_waitlist(servers, booking, turned, waitlist_matches=0, waitlist_sweep=3600) as running,
    ):
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


@pytest.fixture
async def desk(service: WaitlistService, staff: Guest, watch: Watch) -> AsyncIterator[Desk]:
    """The use cases for that organization, on the clock of both services."""
    async with a_desk(service, staff, watch) as made:
        yield made


@pytest.fixture
async def bistro(staff: Guest) -> Bistro:
    """A location of that organization with one table for two, which is taken at the time to book."""
    return await Bistro.of(staff)
