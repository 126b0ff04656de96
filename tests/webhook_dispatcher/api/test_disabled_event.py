"""`webhook_subscription.disabled`: told to the organization's other subscribers, whoever disabled it."""

import json
from typing import Any

from slotwire_contracts import WEBHOOK_EVENTS, WebhookSubscriptionDisabled, decode
from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import Endpoint, endpoint, status
from support.topics import read_topic
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

KIND = "webhook_subscription.disabled"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def subscribe(owner: Caller, receiver: Endpoint, *events: str) -> str:
    body = {"url": receiver.url, "events": events or ["*"], "headers": {"X-Token": "s3cret"}, "description": "Desk"}
    return str((await owner.post(SUBSCRIPTIONS, body)).data["id"])


async def told(receiver: Endpoint, times: int = 1) -> list[dict[str, Any]]:
    """Wait until an endpoint was told so often of subscriptions that are disabled."""

    def found() -> list[dict[str, Any]]:
        return [body for one in receiver.requests if (body := json.loads(one.body))["event"] == KIND]

    async def enough() -> bool:
        return len(found()) >= times

    await eventually(enough, within=15)
    return found()


async def on_topic(service: WebhookService, subscription_id: str) -> list[WebhookSubscriptionDisabled]:
    """Read what the topic holds of a subscription."""
    records = await read_topic(service.settings.kafka_bootstrap, WEBHOOK_EVENTS.name)
    mine = [one for one in records if one.key == subscription_id.encode()]
    events = [decode(one.value) for one in mine]
    assert all(isinstance(event, WebhookSubscriptionDisabled) for event in events)
    return [event for event in events if isinstance(event, WebhookSubscriptionDisabled)]


async def test_a_request_is_told_with_who_and_why_and_without_secrets(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as disabled, endpoint() as other:
        one = await subscribe(owner, disabled)
        watcher = await subscribe(owner, other, "webhook_subscription.*")
        headers = {"X_Request_Id": "req_disable_1", "traceparent": TRACE}
        shown = (await owner.post(f"{SUBSCRIPTIONS}/{one}/disable", None, **headers)).data
        (body,) = await told(other)
        assert (body["resource"], body["resourceId"]) == ("webhook_subscription", one)
        assert body["data"] == {
            "id": one,
            "url": disabled.url,
            "events": ["*"],
            "description": "Desk",
            "status": "disabled",
            "disabled_reason": "requested",
            "created_at": body["data"]["created_at"],
            "updated_at": body["data"]["updated_at"],
            "reason": "requested",
            "failing_since": None,
        }
        assert shown["status"] == "disabled"
        assert b"s3cret" not in other.requests[0].body
        (event,) = await on_topic(service, one)
        assert (event.id, event.sequence, event.actor) == (body["eventId"], 1, "staff")
        assert (event.correlationid, event.traceparent) == ("req_disable_1", TRACE)
        assert (event.orgid, event.source) == (owner.org_id, "/slotwire/webhook-dispatcher")
        deliveries = (await owner.get(f"{SUBSCRIPTIONS}/{one}/deliveries")).data
        assert deliveries == []  # «never to the disabled one itself», not even as discarded
        assert len((await owner.get(f"{SUBSCRIPTIONS}/{watcher}/deliveries")).data) == 1
    assert disabled.requests == []


async def test_one_enabled_again_meanwhile_is_not_told_of_itself(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as receiver, endpoint() as other:
        one = await subscribe(owner, receiver)
        await subscribe(owner, other)
        for verb in ("disable", "enable", "disable", "enable"):
            await owner.post(f"{SUBSCRIPTIONS}/{one}/{verb}", None)
        bodies = await told(other, 2)
        events = await on_topic(service, one)
    assert [event.sequence for event in events] == [1, 2]
    assert events[0].id < events[1].id
    assert sorted(body["eventId"] for body in bodies) == [event.id for event in events]
    assert receiver.requests == []


async def test_disabling_twice_is_told_once(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as other:
        one = (await owner.post(SUBSCRIPTIONS, {"url": other.url, "events": ["*"]})).data["id"]
        await subscribe(owner, other)
        for _ in range(3):
            assert (await owner.post(f"{SUBSCRIPTIONS}/{one}/disable", None)).data["status"] == "disabled"
        await told(other)
        assert len(await on_topic(service, one)) == 1


async def test_a_race_of_410s_is_told_once(owner: Caller, service: WebhookService) -> None:
    """Webhook rules: «410 | the subscription is disabled at once, `webhook_subscription.disabled`»"""
    async with endpoint(status(410)) as gone, endpoint() as other:
        one = await subscribe(owner, gone, "reservation.*")
        await subscribe(owner, other, KIND)
        await service.publish(*[a_happening(orgid=owner.org_id) for _ in range(40)])
        (body,) = await told(other)

        async def all_are_discarded() -> bool:
            path = f"{SUBSCRIPTIONS}/{one}/deliveries?status=discarded&limit=100"
            return len((await owner.get(path)).data) == 40

        await eventually(all_are_discarded, within=15)
        (event,) = await on_topic(service, one)
    assert len(gone.requests) > 1
    assert (body["data"]["reason"], body["data"]["disabled_reason"]) == ("gone", "gone")
    assert (event.actor, event.data.change.failing_since) == ("system", None)


async def test_another_organization_is_not_told(owner: Caller, service: WebhookService) -> None:
    stranger = await service.caller()
    async with endpoint() as mine, endpoint() as theirs:
        one = await subscribe(owner, mine)
        await subscribe(owner, mine)
        await subscribe(stranger, theirs)
        await owner.post(f"{SUBSCRIPTIONS}/{one}/disable", None)
        await told(mine)
    assert theirs.requests == []
