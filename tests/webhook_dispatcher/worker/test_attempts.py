"""What an attempt sends, and what each kind of answer leads to."""

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from support.dispatcher import Dispatcher, a_happening
from support.endpoints import Endpoint, endpoint, status
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.signature import format_secret


async def test_a_delivery_arrives_signed_and_in_the_documented_order(dispatcher: Dispatcher) -> None:
    """Webhook rules: «Body, in this order: `{"id", "event", "resource", "resourceId", "timestamp", "apiVersion",
    "eventId", "data"}`.»

    Webhook rules: «`apiVersion` is a date, `2026-11-01`.»
    Webhook rules: «`user-agent: Slotwire/<version>`, the subscription's own headers»
    Standard Webhooks: «`timestamp`: the timestamp of when the event occurred (not necessarily the same of when it was
    delivered).»
    Standard Webhooks: «`data`: the actual event data associated with the event.»
    """
    async with endpoint() as receiver:
        one = await dispatcher.subscribe(receiver.url, headers={"X-Team": "front desk"})
        event = a_happening("reservation.confirmed")
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
    (request,) = receiver.requests
    assert one.secret is not None
    Webhook(format_secret(one.secret)).verify(request.body, request.headers)
    body = json.loads(request.body)
    assert list(body) == ["id", "event", "resource", "resourceId", "timestamp", "apiVersion", "eventId", "data"]
    assert body["id"] == request.headers["webhook-id"] == delivery_id(event.id, one.id)
    assert (body["event"], body["resource"]) == ("reservation.confirmed", "reservation")
    assert (body["resourceId"], body["eventId"]) == (event.subject, event.id)
    assert (body["timestamp"], body["apiVersion"]) == ("2024-01-02T12:30:00.250000Z", "2026-11-01")
    assert body["data"]["status"] == "CONFIRMED"
    assert (body["data"]["from_status"], body["data"]["to_status"]) == ("pending", "confirmed")
    assert request.headers["user-agent"] == "Slotwire/test"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-team"] == "front desk"


@pytest.mark.parametrize("code", [200, 201, 202, 204, 226, 299])
async def test_any_2xx_is_delivered(dispatcher: Dispatcher, code: int) -> None:
    """Webhook rules: «any 2xx within 30 s (the whole exchange) | delivered»

    Standard Webhooks: «`2xx`: Success.»
    """
    async with endpoint(status(code)) as receiver:
        one = await dispatcher.subscribe(receiver.url)
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
        (attempt,) = await dispatcher.attempts(event, one)
    assert (attempt.number, attempt.status, attempt.error) == (1, code, None)


async def test_410_of_a_url_that_was_left_meanwhile_ends_nothing(dispatcher: Dispatcher) -> None:
    """The attempt began before the change: the subscription stays as it is, and the new URL is tried."""
    gate = asyncio.Event()

    async def gone_late(receiver: Endpoint) -> web.Response:
        await gate.wait()
        return status(410)(receiver)

    async with endpoint(gone_late) as old, endpoint() as new:
        one = await dispatcher.subscribe(old.url)
        event = a_happening()
        await dispatcher.publish(event)
        await asyncio.wait_for(old.came.wait(), 5)
        async with dispatcher.database.transaction() as conn:
            await dispatcher.store.update(conn, one, replace(one, url=new.url))
        gate.set()
        ended = await dispatcher.settled(event, one)
        assert (ended.state, ended.attempts) == (DeliveryState.DELIVERED, 2)
        assert [attempt.status for attempt in await dispatcher.attempts(event, one)] == [410, 204]
        async with dispatcher.database.connection() as conn:
            kept = await dispatcher.store.fetch(conn, one.org_id, one.id)
    assert kept is not None
    assert kept.is_active
    assert new.requests[0].headers["webhook-id"] == old.requests[0].headers["webhook-id"]


@pytest.mark.parametrize("code", [301, 302, 307, 308, 400, 401, 404, 422, 429, 500, 502, 503, 504])
async def test_every_other_status_is_retried_on_the_schedule_until_it_ends(dispatcher: Dispatcher, code: int) -> None:
    """The same id and the same bytes each time.

    Webhook rules: «3xx, every other status, timeout, TLS or connection error, blocked address | failed; retried on the
    schedule»
    Standard Webhooks: «A webhook delivery is considered successful if it was responded to with a `2xx` status code
    (status codes 200-299), and it is considered a failure in any other scenario.»
    Standard Webhooks: «The rest of the status codes should be treated as a failure.»
    """
    async with endpoint(status(code, Location="http://127.0.0.1:1/elsewhere")) as receiver:
        one = await dispatcher.subscribe(receiver.url, retry=(0.05, 0.05))
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.EXHAUSTED
        attempts = await dispatcher.attempts(event, one)
    assert [(attempt.number, attempt.status) for attempt in attempts] == [(1, code), (2, code), (3, code)]
    assert len(receiver.requests) == 3
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
