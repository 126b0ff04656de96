"""A thousand bookings while everything is killed with -9: nothing lost, duplicates only under one `webhook-id`.

I1: a 2xx means durable. I2: every outbox row is published, in order per key. I4: every event reaches every matching
subscription. I5: the `webhook-id` of (event, subscription) never changes. I9: feed, topic and webhook agree by
event id.
"""

import asyncio
import functools
import json
import logging
import os
import random
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.servers import Servers
from support.subscriber import Subscriber, subscriber
from support.system import ServiceProcess, System, running_system
from support.topics import read_topic
from support.waiting import eventually

_log = logging.getLogger(__name__)

BOOKINGS = 1_000
CLIENTS = 16
KILLS_OF_EACH = 2
START = datetime(2030, 1, 1, tzinfo=UTC)
SETTLE_SECONDS = 240


async def until_answered(call: Callable[[], Awaitable[tuple[int, Any]]]) -> Any:
    """Repeat a request until it is answered, as a client does whose server was killed; the answer's data."""
    while True:
        try:
            status, answer = await call()
        except (aiohttp.ClientError, OSError, TimeoutError, json.JSONDecodeError):
            await asyncio.sleep(0.1)
            continue
        if status < 300:
            return answer["data"]
        assert status in {409, 503}, answer
        assert status == 503 or answer["error"]["code"] == "idempotency_in_progress", answer
        await asyncio.sleep(0.1)


async def live(system: System, schedule: str, number: int) -> str:
    """Make a booking, confirm every second one, cancel every fourth; the booking's id."""
    start = START + timedelta(hours=number)
    body = {
        "schedule_id": schedule,
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(hours=1)).isoformat(),
        "attendee": {"name": f"Guest {number}", "email": f"guest{number}@example.com"},
    }
    headers = {"Idempotency-Key": f"booking-{number}-{secrets.token_hex(4)}"}
    made = await until_answered(lambda: system.call("POST", "/api/v1/bookings", body, headers=headers))
    path = f"/api/v1/bookings/{made['id']}"
    if number % 2 == 0:
        await until_answered(lambda: system.call("PATCH", path, {"status": "CONFIRMED"}))
    if number % 4 == 0:
        await until_answered(lambda: system.call("DELETE", path))
    return str(made["id"])


async def live_all(system: System, schedule: str) -> list[str]:
    numbers = iter(range(BOOKINGS))

    async def client() -> list[str]:
        return [await live(system, schedule, number) for number in numbers]

    return [booking for part in await asyncio.gather(*(client() for _ in range(CLIENTS))) for booking in part]


async def kill_everything(system: System, rng: random.Random) -> list[str]:
    """Kill and restart each part several times, in random order at random moments; answers that order."""
    parts: dict[str, Any] = {
        "booking": system.booking[0],
        "booking with the other relay": system.booking[1],
        "dispatcher": system.dispatcher[0],
        "kafka": system.servers.kafka,
    }
    order = [name for name in parts for _ in range(KILLS_OF_EACH)]
    rng.shuffle(order)
    for name in order:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        await asyncio.to_thread(parts[name].kill)
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        await asyncio.to_thread(parts[name].start)
        process = parts[name]
        if isinstance(process, ServiceProcess):
            await eventually(functools.partial(listens, process))
    return order


async def listens(process: ServiceProcess) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{process.url}/healthz") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


async def feed_of(system: System, booking: str) -> list[dict[str, Any]]:
    status, answer = await system.call("GET", f"/v1/reservations/{booking}/events?limit=100")
    assert status == 200, answer
    return list(answer["data"])


def stubborn(webhook_id: str, times: int) -> int:
    """500 to the first two requests of half of the ids."""
    return 500 if times <= 2 and webhook_id.encode()[-1] % 2 else 204


@pytest.mark.timeout(900)
async def test_nothing_is_lost_while_everything_is_killed(servers: Servers, tmp_path: Path) -> None:
    """Standard Webhooks: «they have to do whatever is possible to ensure the timely and reliable delivery of
    webhooks»
    """
    seed = int(os.environ.get("SLOTWIRE_TEST_SEED") or random.SystemRandom().randrange(10**6))
    _log.warning("seed %d repeats the order and the pauses", seed)
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(
            running_system(servers, tmp_path, booking=2, SLOTWIRE_WEBHOOK_TIMEOUT="2")
        )
        subscribers = [
            await stack.enter_async_context(subscriber(stubborn if number == 1 else lambda _id, _times: 204))
            for number in range(3)
        ]
        for told in subscribers:
            made = await system.made(
                "/api/v1/webhooks/subscriptions",
                {"url": told.url, "events": ["reservation.*"], "retry": [round(0.1 * n, 1) for n in range(1, 21)]},
            )
            told.expect(made["secret"])
        schedule = (await system.made("/api/v1/schedules", {"name": "Room", "timezone": "UTC", "capacity": 1}))["id"]

        bookings, killed = await asyncio.gather(
            live_all(system, schedule), kill_everything(system, random.Random(seed))
        )
        assert len(set(bookings)) == BOOKINGS
        assert len(killed) == 4 * KILLS_OF_EACH

        feeds = {booking: await feed_of(system, booking) for booking in bookings}
        told_by_history = {event["id"]: booking for booking, events in feeds.items() for event in events}
        assert len(told_by_history) == BOOKINGS + BOOKINGS // 2 + BOOKINGS // 4
        await eventually(lambda: all_have(subscribers, set(told_by_history)), within=SETTLE_SECONDS)

        for told in subscribers:
            told.check_names()
            assert told.event_ids == set(told_by_history)
        check_topic(await topic_events(servers, set(bookings)), feeds)


async def all_have(subscribers: list[Subscriber], events: set[str]) -> bool:
    return all(told.event_ids >= events for told in subscribers)


async def topic_events(servers: Servers, bookings: set[str]) -> list[dict[str, Any]]:
    records = await read_topic(servers.kafka_bootstrap, "booking.events")
    return [json.loads(record.value) for record in records if (record.key or b"").decode() in bookings]


def check_topic(events: list[dict[str, Any]], feeds: dict[str, list[dict[str, Any]]]) -> None:
    """The topic holds what history holds, in the same order for each booking; a repetition comes after its first."""
    sequences: dict[str, list[int]] = defaultdict(list)
    ids: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event["id"] not in ids[event["subject"]]:
            ids[event["subject"]].append(event["id"])
            sequences[event["subject"]].append(event["sequence"])
    assert {booking: [event["id"] for event in feed] for booking, feed in feeds.items()} == dict(ids)
    assert all(after == before + 1 for rising in sequences.values() for before, after in pairwise(rising))
    assert all(rising[0] == 1 for rising in sequences.values())
