"""A database of the dispatcher's own, a dispatcher on it, and the whole service with organizations that use it."""

from collections.abc import AsyncIterator

import pytest

from chassis.postgres import Database
from support.booking_service import Caller
from support.dispatcher import Dispatcher, prepare, running
from support.servers import Servers
from support.webhook_service import WebhookService, running_webhook_service


@pytest.fixture
async def prepared(database: str) -> str:
    """The URL of a database with the dispatcher's tables."""
    await prepare(database)
    return database


@pytest.fixture
async def db(prepared: str) -> AsyncIterator[Database]:
    """A pool on the dispatcher's tables, with nothing that runs on them."""
    async with Database(prepared, pool_size=5, application="tests").opened() as database:
        yield database


@pytest.fixture
async def dispatcher(prepared: str) -> AsyncIterator[Dispatcher]:
    """A running dispatcher, without Kafka."""
    async with running(prepared) as one:
        yield one


@pytest.fixture(scope="module")
async def service(servers: Servers) -> AsyncIterator[WebhookService]:
    """The running service; for a module only, since other tests run dispatchers of their own on these servers."""
    async with running_webhook_service(servers) as running:
        yield running


@pytest.fixture
async def owner(service: WebhookService) -> Caller:
    """Somebody with all scopes in a new organization."""
    return await service.caller()
