"""The life of a subscription over HTTP, and what it is sent meanwhile."""

import asyncio
import base64
import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import endpoint, hanging, status
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

URL = "http://127.0.0.1:9/hook"


async def test_a_subscription_shows_its_secret_once(owner: Caller, service: WebhookService) -> None:
    """Webhook rules: «Secrets are `whsec_` + base64, 24-64 random bytes»

    Webhook rules: «shown once, encrypted at rest»
    Standard Webhooks: «base64 encoded, prefixed with `whsec_` for easy identification.»
    """
    body = {"url": URL, "events": ["reservation.*"], "description": "Front desk", "headers": {"X-Team": "a"}}
    made = await owner.post(SUBSCRIPTIONS, body)
    assert made.status == 201
    secret = made.data["secret"]
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    shown = {key: value for key, value in made.data.items() if key != "secret"}
    assert shown["status"] == "active"
    assert shown["retry"] is shown["rate_limit"] is None
    assert shown["ordering"] == "none"
    assert {key: shown[key] for key in body} == body
    path = f"{SUBSCRIPTIONS}/{shown['id']}"
    assert (await owner.get(path)).data == shown
    assert (await owner.get(SUBSCRIPTIONS)).body == {"data": [shown], "has_more": False}
    async with service.database.connection() as conn:
        row = await conn.fetchrow("SELECT secret, headers FROM subscriptions WHERE id = $1", shown["id"])
    assert row is not None
    assert base64.b64decode(secret.removeprefix("whsec_")) not in row["secret"]
    assert b"X-Team" not in row["headers"]


async def test_each_has_a_secret_of_its_own(owner: Caller) -> None:
    """Standard Webhooks: «Signing keys should be unique per endpoint for symmetric signatures»"""
    made = [await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"]}) for _ in range(10)]
    assert len({one.data["secret"] for one in made}) == 10


async def test_the_same_post_again_makes_one_and_gets_the_same_answer(owner: Caller) -> None:
    body = {"url": URL, "events": ["*"]}
    first = await owner.post(SUBSCRIPTIONS, body, Idempotency_Key="once")
    again = await owner.post(SUBSCRIPTIONS, body, Idempotency_Key="once")
    assert (first.body, first.status) == (again.body, again.status)
    assert len((await owner.get(SUBSCRIPTIONS)).data) == 1


@pytest.mark.parametrize("size", [24, 64])
async def test_an_own_secret_signs(owner: Caller, service: WebhookService, size: int) -> None:
    """Standard Webhooks: «Random. At least 24 bytes (192 bits, 512 maximum)»"""
    secret = "whsec_" + base64.b64encode(bytes(range(size))).decode()
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"], "secret": secret})
        assert made.data["secret"] == secret
        await service.publish(a_happening(orgid=owner.org_id))
        await asyncio.wait_for(receiver.came.wait(), 10)
    Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)


async def test_only_wanted_public_events_of_the_own_organization_come(owner: Caller, service: WebhookService) -> None:
    """Topic-only types never match, not even `*`; an event that is published after the 201 is never missed.

    Standard Webhooks: «It is also recommended to let webhook consumers choose which event types they would like to
    receive for which endpoints, and do the filtering on the producing end.»
    Standard Webhooks: «It's therefore recommended to enable customers to add multiple webhook endpoints so that they
    can receive the same webhook to multiple destinations.»
    """
    async with endpoint() as everything, endpoint() as family, endpoint() as one:
        for receiver, events in ((everything, ["*"]), (family, ["reservation.*"]), (one, ["reservation.seated"])):
            assert (await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": events})).status == 201
        kinds = ["reservation.assigned", "reservation.created", "reservation.unassigned", "reservation.seated"]
        mine = [a_happening(kind, orgid=owner.org_id) for kind in kinds]
        await service.publish(a_happening(orgid="org_of_somebody_else"), *mine)

        async def came() -> bool:
            return [len(receiver.requests) for receiver in (everything, family, one)] == [2, 2, 1]

        await eventually(came, within=15)
        await asyncio.sleep(0.2)
        assert await came()
    told = {json.loads(request.body)["event"] for request in everything.requests}
    assert told == {"reservation.created", "reservation.seated"}


async def test_order_is_kept_from_the_change_on(owner: Caller, service: WebhookService) -> None:
    """What waits for an earlier one of its resource tells no time of a next attempt: there is none yet."""
    async with endpoint(status(500)) as receiver:
        body = {"url": receiver.url, "events": ["*"], "retry": [3_600], "ordering": "resource"}
        path = f"{SUBSCRIPTIONS}/{(await owner.post(SUBSCRIPTIONS, body)).data['id']}"
        assert (await owner.get(path)).data["ordering"] == "resource"
        first, second, third = [a_happening(orgid=owner.org_id, sequence=number) for number in (1, 2, 3)]
        await service.publish(first, second)

        async def pending() -> dict[str, tuple[int, bool]]:
            found = (await owner.get(f"{path}/deliveries?status=pending")).data
            return {one["event_id"]: (one["attempt_count"], one["next_attempt_at"] is not None) for one in found}

        async def tried() -> bool:
            return await pending() == {first.id: (1, True), second.id: (0, False)}

        await eventually(tried, within=15)
        assert (await owner.patch(path, {"ordering": "none"})).data["ordering"] == "none"
        await service.publish(third)

        async def third_tried() -> bool:
            return (await pending()).get(third.id) == (1, True)

        await eventually(third_tried, within=15)
        assert (await pending())[second.id] == (0, False)


async def test_a_change_holds_from_the_next_attempt_on(owner: Caller, service: WebhookService) -> None:
    """Webhook rules: «settable for a subscription as a list or as base, factor, cap and number»"""
    async with endpoint(status(500)) as old, endpoint() as new:
        made = await owner.post(SUBSCRIPTIONS, {"url": old.url, "events": ["*"], "retry": [0.3] * 20})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        await service.publish(a_happening(orgid=owner.org_id))
        await asyncio.wait_for(old.came.wait(), 10)
        change = {"url": new.url, "headers": {"X-New": "1"}, "description": None}
        changed = await owner.patch(path, change)
        assert changed.status == 200
        assert {key: changed.data[key] for key in change} == change
        assert changed.data["retry"] == [0.3] * 20
        await asyncio.wait_for(new.came.wait(), 10)
    assert new.requests[0].headers["x-new"] == "1"
    assert new.requests[0].headers["webhook-id"] == old.requests[0].headers["webhook-id"]
    assert (await owner.patch(path, {"retry": None})).data["retry"] is None
    formula = {"base": 1, "factor": 2, "cap": 5, "number": 4}
    assert (await owner.patch(path, {"retry": formula})).data["retry"] == [1, 2, 4, 5]


async def test_a_rate_limit_is_given_changed_and_taken_away(owner: Caller) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], "rate_limit": {"per_second": 2.5}})
    assert made.data["rate_limit"] == {"per_second": 2.5}
    path = f"{SUBSCRIPTIONS}/{made.data['id']}"
    assert (await owner.patch(path, {"description": "Till"})).data["rate_limit"] == {"per_second": 2.5}
    assert (await owner.patch(path, {"rate_limit": {"per_second": 10}})).data["rate_limit"] == {"per_second": 10}
    assert (await owner.get(path)).data["rate_limit"] == {"per_second": 10}
    assert (await owner.patch(path, {"rate_limit": None})).data["rate_limit"] is None
    assert (await owner.get(path)).data["rate_limit"] is None


async def deliveries_of(owner: Caller, subscription_id: str, query: str = "") -> list[dict[str, object]]:
    return list((await owner.get(f"{SUBSCRIPTIONS}/{subscription_id}/deliveries{query}")).data)


async def sealed(service: WebhookService, subscription_id: str) -> list[bytes | None]:
    """What lies sealed of a subscription."""
    async with service.database.connection() as conn:
        return list(
            await conn.fetchrow(
                "SELECT headers, secret, old_secrets, auth FROM subscriptions WHERE id = $1", subscription_id
            )
            or ()
        )


@pytest.mark.parametrize(("verb", "reason"), [("disable", "disabled"), ("delete", "deleted")])
async def test_while_disabled_or_deleted_pending_and_new_deliveries_are_discarded(
    owner: Caller, service: WebhookService, verb: str, reason: str
) -> None:
    """«While disabled, pending and new deliveries become discarded(disabled) … Deleting gives discarded(deleted).»

    Known faults: «A delivery to a disabled endpoint is recorded as discarded.»
    Standard Webhooks: «Having an API to add, remove, and list webhook endpoints enables both webhook consumers and
    third party developers to build automation on top of webhooks.»
    """
    async with endpoint(status(500)) as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"], "retry": [3600]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        await service.publish(a_happening(orgid=owner.org_id))

        async def waits() -> bool:
            return [one["attempt_count"] for one in await deliveries_of(owner, made.data["id"])] == [1]

        await eventually(waits, within=10)
        (pending,) = await deliveries_of(owner, made.data["id"], "?status=pending")
        answer = await (owner.post(f"{path}/disable", None) if verb == "disable" else owner.delete(path))
        assert answer.status == 200
        await service.publish(a_happening(orgid=owner.org_id))
        shown = f"/api/v1/webhooks/deliveries/{pending['id']}"

        async def has_ended() -> bool:
            return bool((await owner.get(shown)).data["status"] == "discarded")

        await eventually(has_ended)
        ended = await owner.get(shown)
        assert (ended.data["reason"], len(ended.data["attempts"])) == (reason, 1)
    if verb == "delete":
        assert answer.data == {"id": made.data["id"], "deleted": True}
        assert await sealed(service, made.data["id"]) == [None] * 4
        assert (await owner.get(path)).status == (await owner.delete(path)).status == 404
    else:
        assert (answer.data["status"], answer.data["disabled_reason"]) == ("disabled", "requested")

        async def both_are_discarded() -> bool:
            found = await deliveries_of(owner, made.data["id"], "?status=discarded")
            return [one["attempt_count"] for one in found] == [0, 1]

        await eventually(both_are_discarded, within=10)
        enabled = await owner.post(f"{path}/enable", None)
        assert (enabled.data["status"], enabled.data["disabled_reason"]) == ("active", None)


async def test_what_memory_holds_when_a_subscription_is_disabled_is_discarded(
    owner: Caller, service: WebhookService
) -> None:
    async with endpoint(hanging) as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        await service.publish(*[a_happening(orgid=owner.org_id) for _ in range(60)])
        await asyncio.wait_for(receiver.came.wait(), 10)
        await owner.post(f"{SUBSCRIPTIONS}/{made.data['id']}/disable", None)

        async def rest_is_discarded() -> bool:
            found = await deliveries_of(owner, made.data["id"], "?status=discarded&limit=100")
            return len(found) == 60  # those under way end as discarded when they fail

        await eventually(rest_is_discarded, within=15)
        assert len(receiver.requests) <= 32


async def test_410_disables_at_once(owner: Caller, service: WebhookService) -> None:
    """Webhook rules: «410 | the subscription is disabled at once, `webhook_subscription.disabled`»

    Standard Webhooks: «Sender should disable the webhook endpoint, and stop sending it messages.»
    """
    async with endpoint(status(410)) as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        await service.publish(a_happening(orgid=owner.org_id))

        async def is_disabled() -> bool:
            return bool((await owner.get(f"{SUBSCRIPTIONS}/{made.data['id']}")).data["status"] == "disabled")

        await eventually(is_disabled, within=10)
        assert (await owner.get(f"{SUBSCRIPTIONS}/{made.data['id']}")).data["disabled_reason"] == "gone"
        (one,) = await deliveries_of(owner, made.data["id"])
        assert (one["status"], one["reason"]) == ("discarded", "disabled")
        await service.publish(a_happening(orgid=owner.org_id))
        await asyncio.sleep(0.5)
        found = await deliveries_of(owner, made.data["id"])
    assert [(one["status"], one["attempt_count"]) for one in found] == [("discarded", 0), ("discarded", 1)]
    assert len(receiver.requests) == 1


async def test_deliveries_are_listed_newest_first_in_stable_pages(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/deliveries"
        kinds = ["reservation.created", "reservation.seated"]
        await service.publish(*[a_happening(kinds[n % 2], orgid=owner.org_id) for n in range(9)])

        async def came(count: int) -> bool:
            return len((await owner.get(f"{path}?status=delivered")).data) == count

        await eventually(lambda: came(9), within=15)
        whole = (await owner.get(path)).data
        assert [one["id"] for one in whole] == sorted((one["id"] for one in whole), reverse=True)
        first = await owner.get(f"{path}?limit=4")
        assert first.body["has_more"]
        await service.publish(a_happening(orgid=owner.org_id))
        second = await owner.get(f"{path}?limit=5&starting_after={first.data[-1]['id']}")
        assert first.data + second.data == whole
        assert not second.body["has_more"]
        await eventually(lambda: came(10), within=15)
    assert len((await owner.get(f"{path}?event=reservation.seated")).data) == 4
    assert (await owner.get(f"{path}?status=exhausted")).data == []
    assert (await owner.get(f"{path}?since=2100-01-01T00:00:00Z")).data == []
    assert len((await owner.get(f"{path}?since=2020-01-01T00:00:00%2B02:00")).data) == 10
    one = (await owner.get(f"/api/v1/webhooks/deliveries/{whole[0]['id']}")).data
    (attempt,) = one.pop("attempts")
    assert one == whole[0]
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 204, None)
    assert attempt["response_headers"]["server"].startswith("Python")
    assert attempt["latency_ms"] >= 0


async def test_what_failed_is_listed_with_its_reasons(owner: Caller, service: WebhookService) -> None:
    """Standard Webhooks: «provide a way for their customers to list failed messages, and review the reasons for the
    failures»
    """
    async with endpoint(status(500, 404, X_Reason="no room")) as receiver:
        urls = (receiver.url, URL)
        body = {"events": ["*"], "retry": [0.05]}
        made = [(await owner.post(SUBSCRIPTIONS, {**body, "url": url})).data["id"] for url in urls]
        await service.publish(a_happening(orgid=owner.org_id))
        told = [await reasons(owner, subscription_id) for subscription_id in made]
    assert [[(one["status"], one["error"]) for one in attempts] for attempts in told] == [
        [(500, None), (404, None)],
        [(None, "connection"), (None, "connection")],
    ]
    assert told[0][0]["response_headers"]["x-reason"] == "no room"
    assert told[1][0]["error_detail"]


async def reasons(owner: Caller, subscription_id: str) -> list[dict[str, Any]]:
    """Wait until a subscription's only delivery has failed; answers its attempts."""

    async def has_failed() -> bool:
        return bool(await deliveries_of(owner, subscription_id, "?status=exhausted"))

    await eventually(has_failed, within=10)
    (failed,) = await deliveries_of(owner, subscription_id, "?status=exhausted")
    return list((await owner.get(f"/api/v1/webhooks/deliveries/{failed['id']}")).data["attempts"])


async def test_event_types_are_the_public_ones(owner: Caller) -> None:
    types = [one["type"] for one in (await owner.get("/api/v1/webhooks/event-types")).data]
    assert "reservation.created" in types
    assert "reservation.assigned" not in types
