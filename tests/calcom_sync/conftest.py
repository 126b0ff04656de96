"""The service for a whole run."""

from collections.abc import AsyncIterator

import pytest

from support.calcom_service import CalcomService, running_calcom_service
from support.servers import Servers


@pytest.fixture(scope="session")
async def service(servers: Servers) -> AsyncIterator[CalcomService]:
    """The running service."""
    async with running_calcom_service(servers) as running:
        yield running
