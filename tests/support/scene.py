"""An organization whose events come all the time and whose subscribers are not all well; and the proof afterwards.

What the proof reads is what anybody can see: the ledger over HTTP, the requests that came, the rows, the group's
offsets. The events are written as the booking service's relay does: one is repeated until it is acknowledged.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import aiohttp

from chassis.ids import new_id
from chassis.kafka import KafkaError, LogReader, Producer
from chassis.postgres import Database
from slotwire_contracts import BOOKING_EVENTS, ReservationEvent, dead_letter_topic, encode, public_topics, record_key
from support.dispatcher import a_happening
from support.reservations import a_reservation
from support.subscriber import Subscriber, subscriber
from support.system import ServiceProcess, System, Tenant, new_tenant
from support.waiting import eventually
from webhook_dispatcher.consumer import GROUP
from webhook_dispatcher.domain.ids import delivery_id

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
RETRY = [0.1] * 8
_RESOURCES = 16
_PAUSE_SECONDS = 0.03
_MOST_EVENTS = 300
_FIRST, _FOR_EVER = 0, 2**50  # milliseconds since 1970
_PATIENCE = aiohttp.ClientTimeout(total=5)

# A delivery has as many attempts as it says, numbered without a gap, and it was taken by the last of them or by none.
_CONTRADICTIONS = """
SELECT deliveries.id, state, attempts, made.*
FROM deliveries LEFT JOIN LATERAL (
    SELECT
        count(*) AS number, coalesce(max(number), 0) AS last,
        coalesce(array_agg(number) FILTER (WHERE status BETWEEN 200 AND 299), '{}') AS taken
    FROM attempts WHERE delivery_id = deliveries.id
) AS made ON true
WHERE org_id = $1 AND NOT (
    attempts = made.number AND attempts = made.last
    AND taken = CASE WHEN state = 'delivered' THEN ARRAY[attempts] ELSE '{}' END
)
"""
_PAIRS = """
SELECT count(*) AS rows, count(DISTINCT (event_id, subscription_id)) AS pairs FROM deliveries WHERE org_id = $1
"""


def well(_id: str, _times: int) -> int:
    return 204


def stubborn(webhook_id: str, times: int) -> int:
    """500 to the first two requests of half of the ids."""
    return 500 if times <= 2 and _mark(webhook_id) % 2 else 204


def fitful(webhook_id: str, times: int) -> int:
    """500 to some of the ids for ever; no answer at all to the first request of some others, but not of many.

    An endpoint that hangs is sent ever less, rightly, and the test would last as long.
    """
    if is_hopeless(webhook_id):
        return 500
    return 0 if _mark(webhook_id) == 3 and times == 1 else 204


def is_hopeless(webhook_id: str) -> bool:
    """Tell whether the fitful one never takes a delivery."""
    return _mark(webhook_id) < 2


def _mark(webhook_id: str) -> int:
    return crc32(webhook_id.encode()) % 32


@dataclass
class Scene:
    """One organization: three subscribers that get events, and a fourth subscription that is disabled."""

    system: System
    database: Database
    tenant: Tenant
    rng: random.Random
    stack: AsyncExitStack
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    events: list[ReservationEvent] = field(default_factory=list)
    _sequences: Counter[str] = field(default_factory=Counter)
    _prefix: str = field(default_factory=lambda: new_id("bk"))

    @property
    def hopeless(self) -> list[ReservationEvent]:
        """The events that the fitful subscriber never takes."""
        return [event for event in self.events if is_hopeless(self.webhook_id(event, "fitful"))]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Repeat a request to whichever dispatcher answers, as a client does; the answer's data."""
        while True:
            for process in self.system.dispatcher:
                try:
                    async with self.system.session.request(
                        method, process.url + path, json=body, headers=self.tenant.headers, timeout=_PATIENCE
                    ) as answer:
                        told = await answer.json()
                except (aiohttp.ClientError, OSError, TimeoutError):
                    continue
                if answer.status < 300:
                    return told["data"]
                assert answer.status == 503, told
            await asyncio.sleep(0.1)

    async def subscribe(self, name: str, answer: Callable[[str, int], int]) -> None:
        """Let another subscriber have what comes from now on."""
        told = await self.stack.enter_async_context(subscriber(answer))
        made = await self.ask("POST", SUBSCRIPTIONS, {"url": told.url, "events": ["reservation.*"], "retry": RETRY})
        told.expect(made["secret"])
        self.subscribers[name], self.subscriptions[name] = told, made["id"]

    def happening(self, resource: str | None = None) -> ReservationEvent:
        """Let the next thing happen to a booking, any of them if none is named."""
        resource = resource or f"{self._prefix}{self.rng.randrange(_RESOURCES)}"
        self._sequences[resource] += 1
        event = a_happening(
            orgid=self.tenant.org_id, resource=a_reservation(id=resource), sequence=self._sequences[resource]
        )
        self.events.append(event)
        return event

    async def publish(self, many: int, resource: str | None = None) -> None:
        """Publish so many events, while everything is well."""
        async with Producer.connected(self.system.servers.kafka_bootstrap) as producer:
            for _ in range(many):
                await write(producer, self.happening(resource))

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """Publish events for the block, so many at most; what has happened by its end is on the topic then."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish_until(ended))
            try:
                yield
            finally:
                ended.set()

    async def _publish_until(self, ended: asyncio.Event) -> None:
        event: ReservationEvent | None = None  # happened, and is not yet acknowledged
        while event is not None or not ended.is_set():
            try:
                async with Producer.connected(self.system.servers.kafka_bootstrap) as producer:
                    while event is not None or (not ended.is_set() and len(self.events) < _MOST_EVENTS):
                        event = event or self.happening()
                        await write(producer, event)
                        event = None
                        await asyncio.sleep(_PAUSE_SECONDS)
                await ended.wait()
            except KafkaError:
                await asyncio.sleep(0.1)

    async def ledger(self) -> Any:
        return await self.ask("GET", "/api/v1/webhooks/ledger")

    async def prove(self, *, exhausted: int | None = None, within: float = 60.0) -> None:
        """Wait until all has come to its end, and check that nothing was lost, doubled or contradicted.

        Args:
            exhausted: how many deliveries were given up; those that the fitful one never takes, if not told.
            within: seconds.
        """
        many = len(self.events)
        given_up = len(self.hopeless) if exhausted is None else exhausted
        accepted, delivered = many * len(self.subscriptions), many * len(self.subscribers) - given_up
        balance = {
            "accepted": accepted,
            "delivered": delivered,
            "exhausted": given_up,
            "discarded": {"disabled": many, "deleted": 0},
            "in_flight": 0,
            "unaccounted": 0,
        }
        told: Any = None

        async def has_ended() -> bool:
            nonlocal told
            told = await self.ledger()
            return bool(told["accepted"] == accepted and told["in_flight"] == 0)

        with suppress(TimeoutError):
            await eventually(has_ended, within=within)
        assert told == balance, (told, balance)
        for name, one in self.subscribers.items():
            one.check_names()
            assert one.ids == {event.id: {self.webhook_id(event, name)} for event in self.events}
        assert sum(len(one.accepted) for one in self.subscribers.values()) == delivered
        await self._check_rows(accepted)
        await check_offsets(self.system.servers.kafka_bootstrap)

    def webhook_id(self, event: ReservationEvent, name: str) -> str:
        """Tell the one id that an event may come under."""
        return delivery_id(event.id, self.subscriptions[name])

    async def _check_rows(self, accepted: int) -> None:
        async with self.database.connection() as conn:
            contradictions = [dict(row) for row in await conn.fetch(_CONTRADICTIONS, self.tenant.org_id)]
            rows, pairs = await conn.fetchrow(_PAIRS, self.tenant.org_id) or (0, 0)
        assert not contradictions, contradictions
        assert rows == pairs == accepted, (rows, pairs, accepted)


async def write(producer: Producer, event: ReservationEvent) -> None:
    """Write an event, and wait until the broker says that it has it."""
    await (await producer.send(BOOKING_EVENTS.name, key=record_key(event), value=encode(event)))


async def check_offsets(bootstrap: str) -> None:
    """Check that the group gets to the end of every partition, and set nothing aside."""
    topics = [topic.name for topic in public_topics()]
    async with LogReader.connected(bootstrap) as log:
        left = await log.stretches(topics, _FIRST, _FOR_EVER)

        async def is_through() -> bool:
            nonlocal left
            left = [one for one in left if await log.committed(GROUP, one.topic, one.partition) < one.end]
            return not left

        with suppress(TimeoutError):
            await eventually(is_through, within=10)
        assert not left, left
        dead = await log.stretches([dead_letter_topic(name) for name in topics], _FIRST, _FOR_EVER)
    assert not any(one.end for one in dead), dead


@asynccontextmanager
async def a_scene(system: System, database: Database, rng: random.Random) -> AsyncIterator[Scene]:
    """Make an organization with its subscribers for the block."""
    async with AsyncExitStack() as stack:
        scene = Scene(system, database, await new_tenant(system.servers), rng, stack)
        for name, answer in (("well", well), ("stubborn", stubborn), ("fitful", fitful)):
            await scene.subscribe(name, answer)
        body = {"url": scene.subscribers["well"].url, "events": ["reservation.*"]}
        scene.subscriptions["off"] = (await scene.ask("POST", SUBSCRIPTIONS, body))["id"]
        await scene.ask("POST", f"{SUBSCRIPTIONS}/{scene.subscriptions['off']}/disable")
        yield scene


async def metric(process: ServiceProcess, name: str) -> float:
    """Read one of a process's numbers, summed over its labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{process.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    values = [line.rsplit(" ", 1) for line in lines if re.match(rf"{name}[ {{]", line)]
    return sum(float(value) for _, value in values)
