"""A subscription, a delivery and a recovery, for tests of what one may do with them."""

import pytest

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import endpoint
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService


@pytest.fixture
async def ids(owner: Caller, service: WebhookService) -> dict[str, str]:
    """A subscription, a delivery and a recovery of the owner's organization."""
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"
        await service.publish(a_happening(orgid=owner.org_id))

        async def came() -> bool:
            return bool((await owner.get(f"{path}?status=delivered")).data)

        await eventually(came, within=15)
        body = {"since": "2020-01-01T00:00:00Z"}
        recovery = await owner.post(f"{SUBSCRIPTIONS}/{made.data['id']}/recover", body)
        return {"sub": made.data["id"], "dlv": (await owner.get(path)).data[0]["id"], "rpl": recovery.data["id"]}
