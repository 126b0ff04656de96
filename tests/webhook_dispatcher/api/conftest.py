"""The service for one module, and an organization for each test."""

from collections.abc import AsyncIterator

import pytest

from support.booking_service import Caller
from support.servers import Servers
from support.webhook_service import WebhookService, running_webhook_service


@pytest.fixture(scope="module")
async def service(servers: Servers) -> AsyncIterator[WebhookService]:
    """The running service; for a module only, since other tests run dispatchers of their own on these servers."""
    async with running_webhook_service(servers) as running:
        yield running


@pytest.fixture
async def owner(service: WebhookService) -> Caller:
    """Somebody with all scopes in a new organization."""
    return await service.caller()
