"""How an attempt proves who sends it: old and new secrets by a clock that is given, certificates, tokens."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chassis.clock import utc_now
from support.certificates import Authority
from support.dispatcher import Dispatcher, a_happening, running, use_cases
from support.endpoints import Request, endpoint, status
from support.token_endpoint import token_endpoint
from webhook_dispatcher.client.certificates import check_certificate
from webhook_dispatcher.domain.auth import GivenCertificate
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.exchange import FailureKind
from webhook_dispatcher.domain.rotation import GRACE
from webhook_dispatcher.domain.signature import format_secret
from webhook_dispatcher.domain.subscription import Subscription


async def rotate(one: Dispatcher, subscription: Subscription, at: datetime) -> bytes:
    """Rotate a subscription's secret as the API does, at a time."""
    rotated = await use_cases(one, lambda: at).rotate_secret(subscription.org_id, subscription.id, None, None)
    assert rotated.old_until == at + GRACE
    return rotated.secret


def verifies(key: bytes, request: Request) -> bool:
    try:
        Webhook(format_secret(key)).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize(
    ("ago", "signs"), [(GRACE - timedelta(minutes=1), True), (GRACE, False), (GRACE + timedelta(days=9), False)]
)
async def test_the_old_secret_verifies_for_24_hours_and_no_longer(
    dispatcher: Dispatcher, ago: timedelta, *, signs: bool
) -> None:
    """Webhook rules: «several signatures, space-separated, while a rotated secret is in its 24-hour grace»

    Standard Webhooks: «the webhook is signed both using the current key, and using an old key (for a set period of
    time), and both signatures are sent, space delimited, in the `webhook-signature` header»
    """
    async with endpoint() as receiver:
        one = await dispatcher.subscribe(receiver.url)
        new = await rotate(dispatcher, one, utc_now() - ago)
        event = a_happening()
        await dispatcher.publish(event)
        await dispatcher.settled(event, one)
    (request,) = receiver.requests
    assert one.secret is not None
    assert (verifies(new, request), verifies(one.secret, request)) == (True, signs)
    assert len(request.headers["webhook-signature"].split(" ")) == 1 + signs


async def test_a_rotation_holds_from_the_next_attempt_on(dispatcher: Dispatcher) -> None:
    async with endpoint(status(500, 204)) as receiver:
        one = await dispatcher.subscribe(receiver.url, retry=[0.5])
        event = a_happening()
        await dispatcher.publish(event)
        await dispatcher.tried(event, one)
        new = await rotate(dispatcher, one, utc_now())
        await dispatcher.settled(event, one)
    assert [verifies(new, request) for request in receiver.requests] == [False, True]


async def test_a_delivery_shows_the_certificate_of_its_subscription(
    prepared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority()
    (tmp_path / "trusted.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    issued = authority.issue("hooks.slotwire.example")
    shown = check_certificate(GivenCertificate(issued.certificate, issued.private_key), utc_now())
    async with (
        running(prepared) as one,
        endpoint(tls=authority.server_context(tmp_path, asks=True)) as receiver,
    ):
        proven = await one.subscribe(receiver.url, auth=shown)
        bare = await one.subscribe(receiver.url)
        event = a_happening()
        await one.publish(event)
        assert (await one.settled(event, proven)).state is DeliveryState.DELIVERED
        assert (await one.settled(event, bare)).state is DeliveryState.EXHAUSTED
    assert [request.client for request in receiver.requests] == ["hooks.slotwire.example"]


async def test_a_token_that_cannot_be_had_is_tried_again_on_the_schedule(dispatcher: Dispatcher) -> None:
    async with token_endpoint(instead=(503, b"")) as tokens, endpoint() as receiver, endpoint() as other:
        one = await dispatcher.subscribe(receiver.url, auth=tokens.credentials, retry=[0.2, 0.2])
        healthy = await dispatcher.subscribe(other.url)
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, healthy)).attempts == 1
        await dispatcher.tried(event, one)
        tokens.instead = None
        assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
        first, *_, last = await dispatcher.attempts(event, one)
    assert (first.status, first.error, first.detail) == (None, FailureKind.OAUTH, "the token endpoint answered 503")
    assert last.status == 204
    (request,) = receiver.requests
    assert request.headers["authorization"].startswith("Bearer token-")
    assert one.secret is not None
    assert verifies(one.secret, request)


async def test_nothing_is_sent_while_what_proves_it_cannot_be_read(dispatcher: Dispatcher) -> None:
    """Sealed with a key that is not at hand: the endpoint would refuse it, or worse, take it."""
    async with token_endpoint() as tokens, endpoint() as receiver:
        one = await dispatcher.subscribe(receiver.url, auth=tokens.credentials, retry=[0.05])
        async with dispatcher.database.transaction() as conn:
            await conn.execute("UPDATE subscriptions SET auth = $2 WHERE id = $1", one.id, b"sealed by another key")
            await dispatcher.store.update(conn, one, replace(one, description="changed"))
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.EXHAUSTED
        assert {attempt.error for attempt in await dispatcher.attempts(event, one)} == {FailureKind.SEALED}
    assert (receiver.requests, tokens.asked) == ([], [])
