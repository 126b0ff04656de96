"""What an attempt sends, and what each kind of answer leads to: every sentence of events.md section 4 is quoted."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from support.dispatcher import Dispatcher, a_happening
from support.endpoints import endpoint, status
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.signature import format_secret


async def test_a_delivery_arrives_signed_and_in_the_documented_order(dispatcher: Dispatcher) -> None:
    """Body, in this order: id, event, resource, resourceId, timestamp, apiVersion, eventId, data."""
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
    """«any 2xx within 30 s (the whole exchange) | delivered»"""
    async with endpoint(status(code)) as receiver:
        one = await dispatcher.subscribe(receiver.url)
        event = a_happening()
        await dispatcher.publish(event)
        assert (await dispatcher.settled(event, one)).state is DeliveryState.DELIVERED
        (attempt,) = await dispatcher.attempts(event, one)
    assert (attempt.number, attempt.status, attempt.error) == (1, code, None)


@pytest.mark.parametrize("code", [301, 302, 307, 308, 400, 401, 404, 422, 429, 500, 502, 503, 504])
async def test_every_other_status_is_retried_on_the_schedule_until_it_ends(dispatcher: Dispatcher, code: int) -> None:
    """«3xx, every other status … | failed; retried on the schedule»; the same id and the same bytes each time"""
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
