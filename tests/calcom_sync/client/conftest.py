"""A stand-in of Cal.com, and a client that may ask it."""

from collections.abc import AsyncIterator

import pytest

from calcom_sync.client import CalcomClient
from support.calcom import StandIn, standin
from support.calcom_client import calcom_client


@pytest.fixture
async def calcom() -> AsyncIterator[StandIn]:
    """A Cal.com without a booking."""
    async with standin() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[CalcomClient]:
    """A client that may connect to loopback."""
    async with calcom_client() as made:
        yield made
