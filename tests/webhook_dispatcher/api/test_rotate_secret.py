"""A new secret over HTTP: shown once, signing at once, the old one beside it."""

import asyncio
import base64
from datetime import datetime, timedelta

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from support.booking_service import Caller
from support.dispatcher import a_happening
from support.endpoints import Request, endpoint
from support.waiting import eventually
from support.webhook_service import SUBSCRIPTIONS, WebhookService

URL = "http://127.0.0.1:9/hook"


def verifies(secret: str, request: Request) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_a_new_secret_signs_beside_the_old_one(owner: Caller, service: WebhookService) -> None:
    """The newest signs first.

    Webhook rules: «several signatures, space-separated, while a rotated secret is in its 24-hour grace»
    Standard Webhooks: «Supporting zero downtime secret rotation means that webhook operations won't be affected during
    the secret rotation process.»
    """
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}"
        rotated = await owner.post(f"{path}/rotate-secret", None)
        assert rotated.status == 200
        old, new = made.data["secret"], rotated.data["secret"]
        assert new != old
        assert len(base64.b64decode(new.removeprefix("whsec_"))) == 32
        changed_at, until = (datetime.fromisoformat(rotated.data[key]) for key in ("updated_at", "old_secret_until"))
        assert until - changed_at == timedelta(hours=24)
        shown = {key: value for key, value in rotated.data.items() if key not in {"secret", "old_secret_until"}}
        assert (await owner.get(path)).data == shown
        await service.publish(a_happening(orgid=owner.org_id))
        await asyncio.wait_for(receiver.came.wait(), 10)
    (request,) = receiver.requests
    assert verifies(old, request)
    assert verifies(new, request)
    assert not verifies("whsec_" + base64.b64encode(bytes(32)).decode(), request)
    first, second = request.headers["webhook-signature"].split(" ")
    alone = Request(request.at, {**request.headers, "webhook-signature": first}, request.body)
    assert (verifies(new, alone), verifies(old, alone)) == (True, False)
    assert second.startswith("v1,")


async def test_an_own_secret_may_be_given(owner: Caller) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"]})
    path = f"{SUBSCRIPTIONS}/{made.data['id']}/rotate-secret"
    secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    assert (await owner.post(path, {"secret": secret})).data["secret"] == secret
    again = await owner.post(path, {"secret": secret})
    assert (again.status, again.code) == (422, "validation_failed")
    assert again.body["error"]["message"] == "secret: must be another than the present one"


async def test_the_same_post_again_rotates_once(owner: Caller, service: WebhookService) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"]})
    path = f"{SUBSCRIPTIONS}/{made.data['id']}/rotate-secret"
    first = await owner.post(path, {}, Idempotency_Key="once")
    again = await owner.post(path, {}, Idempotency_Key="once")
    assert (first.body, first.status) == (again.body, again.status)
    other = await owner.post(path, {"secret": "whsec_" + base64.b64encode(bytes(32)).decode()}, Idempotency_Key="once")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    async with service.database.connection() as conn:
        kept = await conn.fetch("SELECT answer FROM idempotency_keys")
        row = await conn.fetchrow("SELECT secret, old_secrets FROM subscriptions WHERE id = $1", made.data["id"])
    assert row is not None
    sealed = [row["secret"], row["old_secrets"], *(one["answer"] for one in kept)]
    for secret in (made.data["secret"], first.data["secret"]):
        plain = secret.removeprefix("whsec_")
        assert not any(plain.encode() in one or base64.b64decode(plain) in one for one in sealed)


async def test_however_often_it_is_rotated_the_header_stays_short(owner: Caller, service: WebhookService) -> None:
    async with endpoint() as receiver:
        made = await owner.post(SUBSCRIPTIONS, {"url": receiver.url, "events": ["*"]})
        path = f"{SUBSCRIPTIONS}/{made.data['id']}/rotate-secret"
        secrets = [made.data["secret"], *[(await owner.post(path, {})).data["secret"] for _ in range(6)]]
        await service.publish(a_happening(orgid=owner.org_id))

        async def came() -> bool:
            return bool(receiver.requests)

        await eventually(came, within=10)
    assert [verifies(secret, receiver.requests[0]) for secret in secrets] == [False] * 3 + [True] * 4
    assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 4
