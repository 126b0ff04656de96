"""A Cal.com of its own for each test, and what asks it."""

from collections.abc import AsyncIterator

import pytest

from support.calcom import StandIn, standin
from support.calcom.asker import Asker, asker


@pytest.fixture
async def calcom() -> AsyncIterator[StandIn]:
    async with standin() as running:
        yield running


@pytest.fixture
async def ask(calcom: StandIn) -> AsyncIterator[Asker]:
    async with asker(calcom.url) as asking:
        yield asking
