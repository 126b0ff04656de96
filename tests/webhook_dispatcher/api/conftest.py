"""A subscription, a delivery and a recovery, for tests of what one may do with them."""

import pytest

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.known import deliver
from support.webhook_service import WebhookService


@pytest.fixture
async def ids(owner: Caller, service: WebhookService) -> dict[str, str]:
    """A subscription, a delivery and a recovery of the owner's organization."""
    return await deliver(owner, lambda: service.publish(a_happening(orgid=owner.org_id)))
