"""How many subscriptions an organization may have, whoever races."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from support.servers import Servers
from support.webhook_service import SUBSCRIPTIONS, WebhookService, running_webhook_service

BODY = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
AT_MOST = 5


@pytest.fixture(scope="module")
async def service(servers: Servers) -> AsyncIterator[WebhookService]:
    """The service with a low quota."""
    async with running_webhook_service(servers, webhook_subscriptions_per_organization=AT_MOST) as running:
        yield running


async def test_races_cannot_exceed_the_quota(service: WebhookService) -> None:
    owner, other = await service.caller(), await service.caller()
    answers = await asyncio.gather(*(owner.post(SUBSCRIPTIONS, BODY) for _ in range(4 * AT_MOST)))
    assert Counter(answer.status for answer in answers) == {201: AT_MOST, 409: 3 * AT_MOST}
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.code == "too_many_subscriptions"
    told = "the organization may have 5 subscriptions and has them; delete one first"
    assert refused.body["error"]["message"] == told
    assert len((await owner.get(SUBSCRIPTIONS)).data) == AT_MOST
    assert (await other.post(SUBSCRIPTIONS, BODY)).status == 201


async def test_deleted_ones_do_not_count_and_disabled_ones_do(service: WebhookService) -> None:
    owner = await service.caller()
    ids = [(await owner.post(SUBSCRIPTIONS, BODY)).data["id"] for _ in range(AT_MOST)]
    await owner.post(f"{SUBSCRIPTIONS}/{ids[0]}/disable", None)
    assert (await owner.post(SUBSCRIPTIONS, BODY, Idempotency_Key="later")).status == 409
    await owner.delete(f"{SUBSCRIPTIONS}/{ids[1]}")
    assert (await owner.post(SUBSCRIPTIONS, BODY, Idempotency_Key="later")).status == 201
    assert (await owner.post(SUBSCRIPTIONS, BODY)).status == 409
