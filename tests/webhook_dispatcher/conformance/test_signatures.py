"""One request, taken apart as a receiver with nothing but the standard in its hands would do it."""

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from slotwire_contracts import ReservationEvent
from support.dispatcher import Dispatcher, a_happening
from support.endpoints import Request, endpoint, status
from support.reservations import a_reservation
from webhook_dispatcher.domain.signature import format_secret
from webhook_dispatcher.domain.subscription import Subscription

NAME = 'Zoë "日本" \u2028 </script>'


async def sent(one: Dispatcher, event: ReservationEvent) -> tuple[Subscription, Request]:
    """Have an event delivered; answers the only request."""
    async with endpoint() as receiver:
        subscription = await one.subscribe(receiver.url)
        await one.publish(event)
        await one.settled(event, subscription)
    (request,) = receiver.requests
    return subscription, request


def key_of(subscription: Subscription) -> bytes:
    assert subscription.secret is not None
    return subscription.secret


async def test_what_is_signed_is_what_is_sent(dispatcher: Dispatcher) -> None:
    """Webhook rules: «Headers: `webhook-id` (= `id`), `webhook-timestamp`, `webhook-signature` exactly as Standard
    Webhooks says»

    Standard Webhooks: «The content to be signed is therefore: `{msg_id}.{timestamp}.{payload}`.»
    Standard Webhooks: «a symmetric signature will be v1, followed by a comma (`,`), followed by the base64 encoded
    signature»
    Standard Webhooks: «it's important to make sure that the payload sent is the same as the payload signed»
    Standard Webhooks: «The payload should be passed in the HTTP body.»
    """
    subscription, request = await sent(dispatcher, a_happening(resource=a_reservation(attendee_name=NAME)))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = hmac.digest(key_of(subscription), signed, hashlib.sha256)
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert json.loads(request.body)["data"]["attendee_name"] == NAME
    Webhook(format_secret(key_of(subscription))).verify(request.body, request.headers)


async def test_nothing_of_it_can_be_changed(dispatcher: Dispatcher) -> None:
    """Standard Webhooks: «A secure signature scheme should verify the authenticity of both the payload, and the
    additional metadata (timestamp and unique identifier).»
    """
    subscription, request = await sent(dispatcher, a_happening())
    verifier = Webhook(format_secret(key_of(subscription)))
    verifier.verify(request.body, request.headers)
    later = str(int(request.headers["webhook-timestamp"]) + 1)
    for changed in (
        replace(request, body=request.body + b" "),
        replace(request, headers={**request.headers, "webhook-id": request.headers["webhook-id"] + "x"}),
        replace(request, headers={**request.headers, "webhook-timestamp": later}),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(changed.body, changed.headers)


async def test_headers_are_named_and_written_as_the_standard_has_them(dispatcher: Dispatcher) -> None:
    """Standard Webhooks: «All of the headers should be prefixed with `webhook-` and follow the exact naming as below.»

    Standard Webhooks: «`webhook-id`: the unique webhook identifier described in the sections above.»
    Standard Webhooks: «`webhook-timestamp`: integer unix timestamp (seconds since epoch).»
    Standard Webhooks: «`webhook-signature`: the signature(s) of this webhook.»
    Standard Webhooks: «It's important that both the message id and the timestamp not be user controlled, or at the very
    least not be allowed to include any `.` to prevent certain attacks.»
    """
    _, request = await sent(dispatcher, a_happening())
    ours = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
    assert ours.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert re.fullmatch("dlv_[0-9a-z]{26}", ours["webhook-id"])
    assert ours["webhook-timestamp"].isdecimal()
    assert abs(int(ours["webhook-timestamp"]) - time.time()) < 30
    assert re.fullmatch("v1,[A-Za-z0-9+/]{43}=", ours["webhook-signature"])


async def test_the_body_is_small_json_in_a_post(dispatcher: Dispatcher) -> None:
    """Standard Webhooks: «the webhook payload should be sent as the body of an HTTP POST request»

    Standard Webhooks: «The payload should be JSON formatted for maximum compatibility»
    Standard Webhooks: «it's OK (and recommended) to minimize the JSON body when serialized for sending»
    """
    _, request = await sent(
        dispatcher, a_happening(resource=a_reservation(attendee_name="Zoë"))
    )  # the endpoint takes POST only
    assert request.headers["content-type"] == "application/json"
    told = json.loads(request.body)
    assert json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode() == request.body


async def test_a_retry_has_the_time_of_its_own_and_the_id_of_the_first(dispatcher: Dispatcher) -> None:
    """Standard Webhooks: «Every time an attempt is retried the timestamp of the attempt is updated, while the timestamp
    of the original event remains the same.»

    Standard Webhooks: «it remains the same no matter how many times a webhook that has failed is retried»
    Webhook rules: «`id` is the delivery's id: stable over all attempts and replays of one (event, subscription).»
    """
    async with endpoint(status(500, 503, 204)) as receiver:
        subscription = await dispatcher.subscribe(receiver.url, retry=[1.3, 0.05])  # a second at least
        event = a_happening()
        await dispatcher.publish(event)
        await dispatcher.settled(event, subscription)
    first, second, third = receiver.requests
    verifier = Webhook(format_secret(key_of(subscription)))
    for request in receiver.requests:
        verifier.verify(request.body, request.headers)
    times = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert times[0] < times[1] <= times[2]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert first.body == second.body == third.body
