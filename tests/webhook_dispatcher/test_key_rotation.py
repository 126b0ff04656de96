"""The key for secrets at rest changes, as an operator changes it: with the old key beside the new one, then without."""

import asyncio
import base64
import secrets

from standardwebhooks.webhooks import Webhook

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import Endpoint, endpoint
from support.servers import Servers
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService, running_webhook_service

OLD, NEW, LOST = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(3))
GAUGE = "slotwire_webhook_sealed_with_old_keys"


async def sealed_with_old_keys(service: WebhookService) -> str:
    async with service.http.get(f"{service.base}/metrics") as response:
        told = await response.text()
    (line,) = [line for line in told.splitlines() if line.startswith(f"{GAUGE} ")]
    return line.removeprefix(f"{GAUGE} ")


async def delivered(service: WebhookService, org_id: str, receiver: Endpoint, secret: str) -> None:
    """Publish an event, and verify what comes."""
    receiver.came.clear()
    await service.publish(a_happening(orgid=org_id))
    await asyncio.wait_for(receiver.came.wait(), 15)
    request = receiver.requests[-1]
    assert request.headers["x-team"] == "front desk"
    Webhook(secret).verify(request.body, request.headers)


async def test_an_old_key_can_be_dropped_after_a_while(servers: Servers) -> None:
    async with endpoint() as receiver:
        async with running_webhook_service(servers, secret_key=OLD) as service:
            owner = await service.caller()
            body = {"url": receiver.url, "events": ["*"], "headers": {"X-Team": "front desk"}}
            made = await owner.post(SUBSCRIPTIONS, body, Idempotency_Key="once")
            headers = owner.headers
        async with running_webhook_service(servers, secret_key=NEW, old_secret_keys=f"{LOST},{OLD}") as service:

            async def is_sealed_anew() -> bool:
                return await sealed_with_old_keys(service) == "0.0"

            await eventually(is_sealed_anew, within=10)
            await delivered(service, owner.org_id, receiver, made.data["secret"])
            same = Caller(owner.org_id, service.base, service.http, headers)
            assert (await same.post(SUBSCRIPTIONS, body, Idempotency_Key="once")).body == made.body
        async with running_webhook_service(servers, secret_key=NEW) as service:
            await delivered(service, owner.org_id, receiver, made.data["secret"])
