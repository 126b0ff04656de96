"""What failed is tried again, when the schedule or the endpoint says, until it is taken or no attempt is left."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime

from chassis.clock import utc_now
from devstack.ports import free_port
from slotwire_contracts import ReservationEvent
from support.dispatcher import LIMITS, Dispatcher, a_happening, running
from support.endpoints import endpoint, hanging, raw_endpoint, read_request, status
from webhook_dispatcher.domain.delivery import DeliveryState
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.domain.subscription import Subscription


async def dues(one: Dispatcher, events: Sequence[ReservationEvent], to: Subscription) -> list[datetime]:
    """When deliveries that have failed once are due again."""
    for event in events:
        await one.tried(event, to)
    async with one.database.connection() as conn:
        rows = await conn.fetch(
            "SELECT due_at FROM deliveries WHERE id = ANY ($1)", [delivery_id(event.id, to.id) for event in events]
        )
    return [row["due_at"] for row in rows]


async def test_pauses_are_moved_by_a_fifth_at_most_each_differently(dispatcher: Dispatcher) -> None:
    """Standard Webhooks: «It's recommended to also add some level of random jitter to retries to prevent cases where
    the failures are due to recurring load caused by the webhook attempts themselves.»
    """
    async with endpoint(status(400)) as receiver:
        subscription = await dispatcher.subscribe(receiver.url, retry=[10_000.0])
        events = [a_happening() for _ in range(40)]
        began = utc_now()
        await dispatcher.publish(*events)
        found = await dues(dispatcher, events, subscription)
    pauses = [(due - began).total_seconds() for due in found]
    assert 8_000 <= min(pauses) < 9_700
    assert 10_300 < max(pauses) <= 12_000 + (utc_now() - began).total_seconds()
    assert len(set(pauses)) == 40


async def test_a_delivery_is_tried_until_it_is_taken(dispatcher: Dispatcher) -> None:
    """Known faults: «A schedule of more than 25 retries is followed to its end.»

    Standard Webhooks: «It's therefore up to the webhook producer to retry sending the webhook until a successful
    attempt or until it's determined that delivery may not be possible.»
    """
    async with endpoint(status(*[400] * 40, 204)) as late, endpoint(status(400)) as never:
        first, second = [await dispatcher.subscribe(one.url, retry=[0.01] * 40) for one in (late, never)]
        event = a_happening()
        await dispatcher.publish(event)
        ended = [await dispatcher.settled(event, one) for one in (first, second)]
        numbers = [attempt.number for attempt in await dispatcher.attempts(event, second)]
    assert [one.state for one in ended] == [DeliveryState.DELIVERED, DeliveryState.EXHAUSTED]
    assert numbers == list(range(1, 42))
    assert (len(late.requests), len(never.requests)) == (41, 41)


async def test_what_an_endpoint_asks_for_is_not_cut(dispatcher: Dispatcher) -> None:
    """Known faults: «`Retry-After` of 120 s on the first attempt means 120 s, not a multiple of the first pause.»

    Webhook rules: «`Retry-After` (seconds or date) | obeyed in full, up to 24 h»
    """
    in_an_hour = format_datetime(utc_now() + timedelta(hours=1), usegmt=True)
    asked = {(429, "120"): 120, (503, in_an_hour): 3_600, (500, "7200"): 7_200, (302, "999999"): 86_400}
    for (code, value), seconds in asked.items():
        async with endpoint(status(code, Retry_After=value)) as receiver:
            subscription = await dispatcher.subscribe(receiver.url, retry=[0.05] * 5)
            event = a_happening()
            began = utc_now()
            await dispatcher.publish(event)
            (due,) = await dues(dispatcher, [event], subscription)
            assert abs((due - began).total_seconds() - seconds) < 5, (code, value)
        assert len(receiver.requests) == 1


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request and break the connection."""
    await read_request(reader)
    writer.transport.abort()


async def test_whatever_is_no_answer_is_a_failure_and_tried_again(prepared: str) -> None:
    """Webhook rules: «3xx, every other status, timeout, TLS or connection error, blocked address | failed; retried on
    the schedule»

    Standard Webhooks: «Example failure scenarios include non-`2xx` response status codes (e.g: 404 and 500), request
    timeouts (see next section), connection resets, and more.»
    """
    async with (
        running(prepared, replace(LIMITS, timeout=0.4)) as one,
        endpoint(hanging) as silent,
        endpoint() as plain,
        endpoint(status(404, 500)) as failing,
        raw_endpoint(reset) as resetting,
    ):
        urls = {
            silent.url: "timeout",
            resetting: "connection",
            f"http://127.0.0.1:{free_port()}/": "connection",
            plain.url.replace("http:", "https:"): "tls",
            "http://10.0.0.1/hook": "blocked_address",
            failing.url: None,
        }
        subscriptions = {url: await one.subscribe(url, retry=[0.05]) for url in urls}
        event = a_happening()
        await one.publish(event)
        for url, error in urls.items():
            assert (await one.settled(event, subscriptions[url])).state is DeliveryState.EXHAUSTED
            told = await one.attempts(event, subscriptions[url])
            assert [attempt.error for attempt in told] == [error, error], url
    assert [attempt.status for attempt in told] == [404, 500]
    assert plain.requests == []
