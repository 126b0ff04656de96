"""One trace from a request to each webhook attempt, over Kafka, kills and retries, as a collector is sent it."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chassis import tracing
from support.booking_service import Caller, running_service
from support.calcom import Courier
from support.calcom_processes import Office, running_processes
from support.calcom_service import INTEGRATION
from support.collector import SETTINGS, Collector, Sent, collector
from support.servers import Servers
from support.subscriber import Answer, Subscriber, subscriber
from support.system import System, running_system
from support.waiting import eventually
from support.waitlist_desk import Bistro
from support.waitlist_service import WaitlistService, running_waitlist
from support.webhook_service import SUBSCRIPTIONS, running_webhook_service

VISIT = {
    "start_time": "2030-02-15T10:00:00Z",
    "end_time": "2030-02-15T11:00:00Z",
    "attendee": {"name": "John Doe", "email": "john@example.com"},
}
POST = "POST /api/v1/bookings"
HOLD = "POST /api/v1/holds"
ATTEMPT = "POST webhook"

pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def traced(servers: Servers, logs: Path) -> AsyncIterator[tuple[System, Collector]]:
    """Booking and the dispatcher as processes, and what their traces are sent to."""
    async with collector() as told:
        more: dict[str, Any] = {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": told.url, "SLOTWIRE_LOG_LEVEL": "debug"}
        async with running_system(servers, logs, **more) as system:
            yield system, told


async def subscribed(system: System, receiver: Subscriber) -> str:
    """Have a receiver told of reservations, with short pauses; the subscription's id."""
    asked = {"url": receiver.url, "events": ["reservation.*"], "retry": [1.0] * 10}
    made = await system.made(SUBSCRIPTIONS, asked)
    receiver.expect(made["secret"])
    return str(made["id"])


async def booked(system: System) -> tuple[str, str]:
    """Book, within a trace that began elsewhere; the ids of that trace and of the span there."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    schedule = await system.made("/api/v1/schedules", {"name": "Room", "timezone": "UTC"})
    headers = {"traceparent": f"00-{trace_id}-{span_id}-01", "X-Request-Id": f"request-{span_id}"}
    body = {**VISIT, "schedule_id": schedule["id"]}
    status, answer = await system.call("POST", "/api/v1/bookings", body, headers=headers)
    assert status == 201, answer
    return trace_id, span_id


def failing(times: int) -> Answer:
    """500 to the first requests of each id."""
    return lambda _id, number: 500 if number <= times else 204


def lines(process_log: str, event: str) -> list[dict[str, Any]]:
    """The lines of a log that tell of something."""
    told = (json.loads(line) for line in process_log.splitlines() if line.startswith("{"))
    return [line for line in told if line["event"] == event]


async def test_one_trace_leads_from_the_post_to_each_webhook_attempt(servers: Servers, tmp_path: Path) -> None:
    async with traced(servers, tmp_path) as (system, told), subscriber() as calm, subscriber(failing(1)) as stubborn:
        subscriptions = [await subscribed(system, one) for one in (calm, stubborn)]
        trace_id, caller = await booked(system)
        for name in (POST, "send booking.events", "process booking.events"):
            await told.came(name)
        await told.came(ATTEMPT, 3)
        spans = told.of(trace_id)
        log = {process.module: process.told for process in system.processes}
    assert sorted((span.service, span.name, span.kind, span.failed) for span in spans) == [
        ("booking", POST, "SERVER", False),
        ("booking", "send booking.events", "PRODUCER", False),
        ("webhook_dispatcher", ATTEMPT, "CLIENT", False),
        ("webhook_dispatcher", ATTEMPT, "CLIENT", False),
        ("webhook_dispatcher", ATTEMPT, "CLIENT", True),
        ("webhook_dispatcher", "process booking.events", "CONSUMER", False),
    ]
    (post,) = (span for span in spans if span.name == POST)
    assert post.parent == caller
    assert {span.parent for span in spans if span is not post} == {post.span_id}
    assert attempts_of(spans) == {(subscriptions[0], 0, 204), (subscriptions[1], 0, 500), (subscriptions[1], 1, 204)}
    check_logs(log, post, next(iter(calm.event_ids)))


def attempts_of(spans: list[Sent]) -> set[tuple[Any, ...]]:
    """Of each attempt the subscription, how many were before it, and the status of the answer."""
    names = ("slotwire.subscription.id", "http.request.resend_count", "http.response.status_code")
    return {tuple(span.attributes[name] for name in names) for span in spans if span.name == ATTEMPT}


def check_logs(log: dict[str, str], post: Sent, event_id: str) -> None:
    """Lines carry the ids of the request, of the event and of the trace."""
    (asked,) = (line for line in lines(log["booking"], "request") if line.get("trace_id") == post.trace_id)
    assert (asked["request_id"], asked["span_id"]) == (f"request-{post.parent}", post.span_id)
    told = lines(log["webhook_dispatcher"], "attempt_failed")
    (failed,) = (line for line in told if line.get("trace_id") == post.trace_id)
    assert failed["event_id"] == event_id


async def test_a_trace_goes_on_behind_kill_9(servers: Servers, tmp_path: Path) -> None:
    """Booking is killed with the event in its outbox, and the dispatcher between two attempts."""
    async with traced(servers, tmp_path) as (system, told), subscriber(failing(2)) as receiver:
        (booking,), (dispatcher,) = system.booking, system.dispatcher
        await subscribed(system, receiver)
        await asyncio.to_thread(servers.kafka.kill)
        try:
            trace_id, _ = await booked(system)
            await told.came(POST)
            await asyncio.to_thread(booking.kill)
        finally:
            await asyncio.to_thread(servers.kafka.start)
        assert not told.named("send booking.events")
        await asyncio.to_thread(booking.start)
        await told.came(ATTEMPT)
        await asyncio.to_thread(dispatcher.kill)
        await asyncio.to_thread(dispatcher.start)
        await told.came(ATTEMPT, status=204)
        spans = told.of(trace_id)
    (post,) = (span for span in spans if span.name == POST)
    attempts = [span for span in spans if span.name == ATTEMPT]
    assert {span.parent for span in spans if span is not post} == {post.span_id}
    assert {span.attributes["http.response.status_code"] for span in attempts} == {500, 204}
    assert "send booking.events" in {span.name for span in spans}


async def has_looked_at_all(waitlist: WaitlistService) -> bool:
    """Whether no look at a queue is owed or under way."""
    async with waitlist.database.connection() as conn:
        return not await conn.fetchval("SELECT count(*) FROM queues WHERE marked_at <= now()")


async def test_what_a_cancellation_brings_about_on_the_waitlist_is_of_its_trace(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(collector())
        tracing.configure(service="tests", endpoint=told.url)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        booking = await stack.enter_async_context(running_service(servers))
        waitlist = await stack.enter_async_context(running_waitlist(servers, booking, waitlist_sweep=3600))
        webhooks = await stack.enter_async_context(running_webhook_service(servers))
        receiver = await stack.enter_async_context(subscriber())
        staff = await waitlist.staff()
        owner = Caller(staff.org_id, webhooks.base, webhooks.http, staff.waitlist.headers)
        asked = {"url": receiver.url, "events": ["waitlist_entry.notified"]}
        receiver.expect((await owner.post(SUBSCRIPTIONS, asked)).data["secret"])
        bistro = await Bistro.of(staff)
        await bistro.joins()
        await waitlist.heard_all()
        await eventually(partial(has_looked_at_all, waitlist))
        await bistro.falls_free()
        (attempt,) = await told.came(ATTEMPT)

        async def is_whole() -> bool:
            spans = told.of(attempt.trace_id)
            return any(span.name == HOLD for span in spans) and all(told.is_whole(span) for span in spans)

        await eventually(is_whole)
        (hold,) = (span for span in told.of(attempt.trace_id) if span.name == HOLD)
    cancelled = ["DELETE /api/v1/bookings/{id}", "process booking.events", "match queue"]
    assert told.way(attempt) == [*cancelled, ATTEMPT]
    assert told.way(hold) == [*cancelled, "POST booking", HOLD]


async def has_looked(office: Office) -> bool:
    """Whether a sync that nobody asked for has ended."""
    return any(run["status"] == "completed" for run in await office.runs() if run["kind"] != "manual")


async def test_what_a_sync_finds_in_cal_com_is_of_its_trace(servers: Servers, tmp_path: Path) -> None:
    """Both of what somebody asks for, and of what a webhook of Cal.com's makes it read."""
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(collector())
        settings = {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": told.url}
        services = await stack.enter_async_context(running_processes(servers, tmp_path, **settings))
        office = await stack.enter_async_context(services.office())
        soon = office.life.now + timedelta(days=2)
        office.life.create(soon)
        assert (await office.sync()).body["synced"] == 1
        secret = office.secrets[-1]
        await office.put(enabled=True)
        await eventually(partial(has_looked, office))  # what it does not find by itself a webhook tells of
        office.life.create(soon + timedelta(days=1))
        url = f"{services.calcom.url}{INTEGRATION}/webhook/{office.admin.org_id}"
        await Courier(office.life, url, secret=secret).deliver()

        async def are_whole() -> bool:
            """Of a way each process tells its own part, when it comes to that."""
            return [len(told.way(span)) for span in told.named("send booking.events")] == [3, 3]

        await eventually(are_whole, within=30)
        ways = [told.way(span) for span in told.named("send booking.events")]
    assert ways == [
        ["POST /api/bookings/sync-calcom", "carry out run", "send booking.events"],
        ["POST /api/v1/integrations/calcom/webhook/{org}", "carry out run", "send booking.events"],
    ]
