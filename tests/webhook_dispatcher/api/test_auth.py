"""What an endpoint asks for beyond signatures: given, shown without its secrets, changed and cleared."""

import json
from typing import Any

import pytest

from support.booking_service import Caller
from support.certificates import Authority
from support.webhook_service import SUBSCRIPTIONS, WebhookService

URL, PLAIN = "https://127.0.0.1:9/hook", "http://127.0.0.1:9/hook"
AUTHORITY = Authority()
ISSUED = AUTHORITY.issue("hooks.slotwire.example")
MTLS = {"type": "mtls", "certificate": ISSUED.certificate + AUTHORITY.pem, "private_key": ISSUED.private_key}
OAUTH = {
    "type": "oauth2_client_credentials",
    "token_url": "http://127.0.0.1:9/token",
    "client_id": "slotwire",
    "client_secret": "hunter2-hunter2",
    "scope": "hooks.write",
}
SHOWN_OAUTH = {
    "type": "oauth2_client_credentials",
    "token_url": "http://127.0.0.1:9/token",
    "client_id": "slotwire",
    "scope": "hooks.write",
    "audience": None,
}


async def stored(service: WebhookService, subscription_id: str) -> bytes | None:
    async with service.database.connection() as conn:
        found: bytes | None = await conn.fetchval("SELECT auth FROM subscriptions WHERE id = $1", subscription_id)
    return found


def has_no_secret(answer: Any) -> bool:
    return not any(word in json.dumps(answer) for word in ("PRIVATE KEY", "BEGIN", "hunter2", "private_key"))


async def test_a_certificate_is_shown_by_what_tells_it_apart(owner: Caller, service: WebhookService) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], "auth": MTLS})
    shown = made.data["auth"]
    assert (shown["type"], shown["subject"]) == ("mtls", "CN=hooks.slotwire.example")
    assert len(bytes.fromhex(shown["fingerprint"])) == 32
    assert shown["expires_at"].endswith("Z")
    read = await owner.get(f"{SUBSCRIPTIONS}/{made.data['id']}")
    assert read.data["auth"] == (await owner.get(SUBSCRIPTIONS)).data[0]["auth"] == shown
    assert has_no_secret([made.body, read.body])
    sealed = await stored(service, made.data["id"])
    assert sealed is not None
    assert b"BEGIN" not in sealed


async def test_credentials_are_shown_without_their_secret(owner: Caller, service: WebhookService) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": PLAIN, "events": ["*"], "auth": OAUTH})
    assert made.data["auth"] == SHOWN_OAUTH
    assert (await owner.get(f"{SUBSCRIPTIONS}/{made.data['id']}")).data["auth"] == SHOWN_OAUTH
    sealed = await stored(service, made.data["id"])
    assert sealed is not None
    assert b"hunter2" not in sealed


async def test_a_patch_changes_keeps_and_clears_it(owner: Caller, service: WebhookService) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"]})
    path = f"{SUBSCRIPTIONS}/{made.data['id']}"
    assert made.data["auth"] is None
    assert (await owner.patch(path, {"auth": OAUTH})).data["auth"] == SHOWN_OAUTH
    kept = await owner.patch(path, {"description": "another"})
    assert kept.data["auth"] == SHOWN_OAUTH
    assert (await owner.patch(path, {"auth": MTLS})).data["auth"]["type"] == "mtls"
    before = await stored(service, made.data["id"])
    again = await owner.patch(path, {"auth": MTLS})
    assert again.data["auth"]["type"] == "mtls"
    assert await stored(service, made.data["id"]) == before  # nothing has changed, nothing is written
    assert (await owner.patch(path, {"auth": None})).data["auth"] is None
    assert await stored(service, made.data["id"]) is None


@pytest.mark.parametrize(
    ("fields", "change", "told"),
    [
        ({"url": PLAIN}, {"auth": MTLS}, "must go with an https URL, since a certificate is shown in TLS alone"),
        (
            {"url": URL, "auth": MTLS},
            {"url": PLAIN},
            "must go with an https URL, since a certificate is shown in TLS alone",
        ),
        (
            {"url": URL, "headers": {"AUTHORIZATION": "Basic x"}},
            {"auth": OAUTH},
            "must not go with a header Authorization, which carries the token",
        ),
        (
            {"url": URL, "auth": OAUTH},
            {"headers": {"authorization": "Basic x"}},
            "must not go with a header Authorization, which carries the token",
        ),
    ],
)
async def test_what_does_not_go_together_is_refused(
    owner: Caller, fields: dict[str, Any], change: dict[str, Any], told: str
) -> None:
    made = await owner.post(SUBSCRIPTIONS, {"events": ["*"], **fields})
    path = f"{SUBSCRIPTIONS}/{made.data['id']}"
    before = (await owner.get(path)).data
    refused = await owner.patch(path, change)
    assert (refused.status, refused.code) == (422, "validation_failed")
    assert refused.body["error"]["message"] == f"auth: {told}"
    assert (await owner.get(path)).data == before
    at_once = await owner.post(SUBSCRIPTIONS, {"events": ["*"], **fields, **change})
    assert at_once.body["error"]["message"] == f"auth: {told}"


async def test_a_key_of_another_certificate_is_told(owner: Caller) -> None:
    other = AUTHORITY.issue().private_key
    refused = await owner.post(SUBSCRIPTIONS, {"url": URL, "events": ["*"], "auth": MTLS | {"private_key": other}})
    error = refused.body["error"]
    assert (refused.status, error["param"]) == (422, "auth.private_key")
    assert error["message"] == "auth.private_key: must belong to the first certificate"
    assert other[40:80] not in str(refused.body)
