"""One delivery sent again, and an endpoint tried out."""

import asyncio
import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from slotwire_contracts import public_types
from support.booking_service import Answer, Caller
from support.dispatcher import a_happening, waits_for_a_lock
from support.endpoints import Endpoint, endpoint, hanging, status
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

DELIVERIES = "/api/v1/webhooks/deliveries"


async def subscribed(owner: Caller, receiver: Endpoint, **more: Any) -> Answer:
    return await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"], "retry": [], **more})


async def delivery_of(owner: Caller, subscription_id: str) -> dict[str, Any]:
    """The only delivery, once it has ended."""
    found: list[dict[str, Any]] = []

    async def has_ended() -> bool:
        found[:] = (await owner.get(f"{SUBSCRIPTIONS}/{subscription_id}/deliveries")).data
        return len(found) == 1 and found[0]["status"] != "pending"

    await eventually(has_ended, within=15)
    return found[0]


async def ended(owner: Caller, delivery_id: str, attempts: int) -> dict[str, Any]:
    """A delivery with its attempts, once it has ended after so many."""
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await owner.get(f"{DELIVERIES}/{delivery_id}")).data)
        return found["status"] != "pending" and len(found["attempts"]) >= attempts

    await eventually(has_ended, within=15)
    return found


async def test_a_delivery_is_sent_again_under_its_id_as_often_as_asked(owner: Caller, service: WebhookService) -> None:
    """«opened again under the same id (a new round, attempts numbered on)»

    Known faults: «A second manual resend works as the first.»
    Webhook rules: «`id` is the delivery's id: stable over all attempts and replays of one (event, subscription).»
    """
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        await service.publish(a_happening(orgid=owner.org_id))
        delivery = await delivery_of(owner, made.data["id"])
        for round_number in (1, 2, 3):
            opened = await owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None)
            assert (opened.data["id"], opened.data["status"]) == (delivery["id"], "pending")
            again = await ended(owner, delivery["id"], 1 + round_number)
            assert [one["number"] for one in again["attempts"]] == list(range(1, 2 + round_number))
            assert again["status"] == "delivered"
    assert [request.headers["webhook-id"] for request in receiver.requests] == [delivery["id"]] * 4
    assert len({request.body for request in receiver.requests}) == 1


async def test_a_new_round_begins_the_schedule_anew(owner: Caller, service: WebhookService) -> None:
    async with endpoint(status(500)) as receiver:
        made = await subscribed(owner, receiver, retry=[0.05, 0.05])
        await service.publish(a_happening(orgid=owner.org_id))
        delivery = await delivery_of(owner, made.data["id"])
        assert (delivery["status"], delivery["attempt_count"]) == ("exhausted", 3)
        await owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None)
        again = await ended(owner, delivery["id"], 6)
    assert (again["status"], again["attempt_count"]) == ("exhausted", 6)


async def test_one_that_waits_is_tried_now(owner: Caller, service: WebhookService) -> None:
    async with endpoint(status(500, 204)) as receiver:
        made = await subscribed(owner, receiver, retry=[3600])
        await service.publish(a_happening(orgid=owner.org_id))
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"

        async def waits() -> bool:
            return [one["attempt_count"] for one in (await owner.get(path)).data] == [1]

        await eventually(waits, within=15)
        (delivery,) = (await owner.get(path)).data
        await owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None)
        assert (await ended(owner, delivery["id"], 2))["status"] == "delivered"


async def test_one_that_is_being_tried_is_left_to_its_attempt(owner: Caller, service: WebhookService) -> None:
    """A worker holds it: it is neither sent twice in a row nor lost."""
    async with endpoint(hanging) as receiver:
        made = await subscribed(owner, receiver)
        await service.publish(a_happening(orgid=owner.org_id))
        await asyncio.wait_for(receiver.came.wait(), 15)
        (delivery,) = (await owner.get(f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries")).data
        opened = await owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None)
        assert (opened.data["status"], opened.data["attempt_count"]) == ("pending", 0)
        again = await ended(owner, delivery["id"], 1)
    assert (again["status"], len(again["attempts"]), len(receiver.requests)) == ("exhausted", 1, 1)


async def test_what_a_worker_is_just_writing_is_waited_for(owner: Caller, service: WebhookService) -> None:
    """It has ended by then, and is opened again; its event is there, whatever the worker wrote meanwhile."""
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        await service.publish(a_happening(orgid=owner.org_id))
        delivery = await delivery_of(owner, made.data["id"])
        async with service.database.connection() as conn:
            await conn.execute(
                "UPDATE deliveries SET state = 'pending', settled_at = NULL, leased_by = 'wrk_1' WHERE id = $1",
                delivery["id"],
            )
        async with service.database.transaction() as conn:
            await conn.execute(
                "UPDATE deliveries SET state = 'exhausted', settled_at = now(), leased_by = NULL WHERE id = $1",
                delivery["id"],
            )
            resending = asyncio.create_task(owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None))

            async def waits_or_is_done() -> bool:
                return resending.done() or await waits_for_a_lock(service.database, "deliveries")

            await eventually(waits_or_is_done)
        assert (await resending).data["status"] == "pending"
        again = await ended(owner, delivery["id"], 2)
    assert (again["status"], len(receiver.requests)) == ("delivered", 2)


async def test_the_same_post_again_opens_once(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        await service.publish(a_happening(orgid=owner.org_id))
        delivery = await delivery_of(owner, made.data["id"])
        path = f"{DELIVERIES}/{delivery['id']}/resend"
        first = await owner.post(path, None, Idempotency_Key="once")
        await ended(owner, delivery["id"], 2)
        again = await owner.post(path, None, Idempotency_Key="once")
        assert again.body == first.body
        assert (await ended(owner, delivery["id"], 2))["attempt_count"] == 2
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("verb", ["disable", "delete"])
async def test_nothing_is_sent_again_to_a_subscription_that_is_sent_nothing(
    owner: Caller, service: WebhookService, verb: str
) -> None:
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        await service.publish(a_happening(orgid=owner.org_id))
        delivery = await delivery_of(owner, made.data["id"])
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        await (owner.post(f"{path}/disable", None) if verb == "disable" else owner.delete(path))
        refused = await owner.post(f"{DELIVERIES}/{delivery['id']}/resend", None)
        assert (refused.status, refused.code) == (409, f"subscription_{verb}d")
        assert (await owner.get(f"{DELIVERIES}/{delivery['id']}")).data["status"] == "delivered"


async def test_a_test_reaches_this_endpoint_only_and_is_no_delivery(owner: Caller) -> None:
    async with endpoint(status(202)) as receiver, endpoint() as other:
        made = await subscribed(owner, receiver, events=["reservation.seated", "reservation.late"])
        await subscribed(owner, other)
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        tried = (await owner.post(f"{path}/test", {"event": "reservation.seated"})).data
        (request,) = receiver.requests
        Webhook(made.data["secret"]).verify(request.body, request.headers)
        body = json.loads(request.body)
        assert (body["event"], body["eventId"], body["data"]["test"]) == ("reservation.seated", tried["event_id"], True)
        assert list(body) == ["id", "event", "resource", "resourceId", "timestamp", "apiVersion", "eventId", "data"]
        assert (tried["id"], tried["attempt"]["status"], tried["delivered"]) == (body["id"], 202, True)
        assert (tried["event"], tried["attempt"]["number"]) == ("reservation.seated", 1)
        assert tried["attempt"]["latency_ms"] >= 0
        await owner.post(f"{path}/test", {})
        assert json.loads(receiver.requests[1].body)["event"] == "reservation.late"
        assert receiver.requests[1].headers["webhook-id"] != tried["id"]
        await asyncio.sleep(0.2)
        assert (await owner.get(f"{path}/deliveries")).data == other.requests == []


async def test_a_test_tells_what_went_wrong_and_nothing_follows(owner: Caller) -> None:
    async with endpoint(status(410)) as receiver:
        made = await subscribed(owner, receiver)
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        tried = (await owner.post(f"{path}/test", {})).data
        assert (tried["attempt"]["status"], tried["delivered"]) == (410, False)
        assert (await owner.get(path)).data["status"] == "active"
        await owner.post(f"{path}/disable", None)
        assert (await owner.post(f"{path}/test", {})).data["attempt"]["status"] == 410
    tried = (await owner.post(f"{path}/test", {})).data
    attempt = tried["attempt"]
    assert (attempt["status"], tried["delivered"], attempt["error"]) == (None, False, "connection")
    assert attempt["error_detail"]


async def test_the_same_test_again_is_sent_once(owner: Caller) -> None:
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/test"
        first = await owner.post(path, {}, Idempotency_Key="once")
        assert (await owner.post(path, {}, Idempotency_Key="once")).body == first.body
    assert len(receiver.requests) == 1


async def test_every_type_can_be_tested_with(owner: Caller) -> None:
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        for event_type in public_types():
            tried = await owner.post(f"{SUBSCRIPTIONS}/{made.data['id']}/test", {"event": event_type})
            assert tried.data["delivered"], event_type


async def test_a_bad_type_sends_nothing(owner: Caller) -> None:
    async with endpoint() as receiver:
        made = await subscribed(owner, receiver)
        for event_type, rule in (("reservation.assigned", "unknown"), ("lost", "unknown"), (5, "string_type")):
            refused = await owner.post(f"{SUBSCRIPTIONS}/{made.data['id']}/test", {"event": event_type})
            error = refused.body["error"]
            assert (refused.status, error["param"]) == (422, "event")
            assert [one["rule"] for one in error["details"]["errors"]] == [rule]
    assert receiver.requests == []
