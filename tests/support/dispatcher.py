"""The dispatcher without Kafka: events go straight into the ingest, everything else is real."""

import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from chassis.clock import Clock, utc_now
from chassis.crypto import Sealer
from chassis.ids import new_id, next_id
from chassis.kafka import Record
from chassis.lifecycle import Loop, background
from chassis.migrations import migrate
from chassis.outbound import Guard
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from slotwire_contracts import ReservationEvent, encode
from support.reservations import an_event
from support.waiting import eventually
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.consumer import Reader
from webhook_dispatcher.domain.arrival import Arrival
from webhook_dispatcher.domain.delivery import Birth, DeliveryState, Outcome
from webhook_dispatcher.domain.ids import delivery_id, first_delivery_id
from webhook_dispatcher.domain.reading import AttemptRecord, DeliveryRecord
from webhook_dispatcher.domain.retry import RetryPolicy
from webhook_dispatcher.domain.subscription import State, Subscription
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.service.discarding import Discarding
from webhook_dispatcher.service.ingest import Ingest
from webhook_dispatcher.service.retention import Retention
from webhook_dispatcher.service.subscriptions import Subscriptions
from webhook_dispatcher.store import deliveries, taking
from webhook_dispatcher.store.subscriptions import SubscriptionStore
from webhook_dispatcher.worker import Follower, Limits, Worker

ORG = "org_test"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LIMITS = Limits(
    timeout=2.0,
    margin=1.0,
    endpoint_slots=32,
    slots=512,
    retry_slots=128,
    endpoint_queue=2_000,
    queue=20_000,
    drain=5.0,
)
SEALER = Sealer(bytes(32))
TOPIC = "booking.events"
_partitions = itertools.count(1)  # each dispatcher reads one of its own, and 0 is read by none
_BEGINNING = "INSERT INTO consumed (topic, partition, next) VALUES ($1, $2, 0)"
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
"""


def a_happening(kind: str = "reservation.confirmed", **other: Any) -> ReservationEvent:
    """An event that has just happened, with an id that carries its time."""
    return an_event(kind, **{"id": new_id("evt"), "orgid": ORG, **other})


@dataclass
class Dispatcher:
    """One worker with its directory and ingest."""

    database: Database
    directory: Directory
    worker: Worker
    ingest: Ingest
    store: SubscriptionStore
    partition: int = field(default_factory=lambda: next(_partitions))
    published: int = 0

    async def subscribe(
        self, url: str, *, events: Sequence[str] = ("*",), retry: Sequence[float] = (0.05, 0.05, 0.05), **other: Any
    ) -> Subscription:
        """Make a subscription as the API would."""
        made = replace(a_subscription(url), events=tuple(events), retry=RetryPolicy(tuple(retry)), **other)
        assert made.secret is not None
        async with self.database.transaction() as conn:
            await self.store.insert(conn, made, made.secret)
        return made

    async def end(self, conn: Connection, one: Subscription, state: State) -> None:
        """Disable or delete a subscription; what becomes of its deliveries is the caller's."""
        if state is State.DELETED:
            await self.store.delete(conn, one)
        else:
            await self.store.update(conn, one, replace(one, state=state))

    async def publish(self, *events: ReservationEvent) -> None:
        """Take events in as the consumer does: records follow each other, and what is called then follows a commit."""
        first = self.published
        self.published += len(events)
        arrivals = [arrival(event, offset, self.partition) for offset, event in enumerate(events, first)]
        async with self.database.connection() as conn:
            after = await self.ingest.take(conn, arrivals)
        if after is not None:
            after()

    async def delivery(self, event: ReservationEvent, to: Subscription) -> DeliveryRecord:
        """Read a delivery that must be there."""
        async with self.database.connection() as conn:
            found = await deliveries.fetch(conn, to.org_id, delivery_id(event.id, to.id))
        assert found is not None
        return found

    async def attempts(self, event: ReservationEvent, to: Subscription) -> list[AttemptRecord]:
        """Read a delivery's attempts."""
        async with self.database.connection() as conn:
            return await deliveries.attempts(conn, delivery_id(event.id, to.id))

    async def settled(self, event: ReservationEvent, to: Subscription, *, within: float = 10.0) -> DeliveryRecord:
        """Wait until a delivery has come to its end."""

        async def has_ended() -> bool:
            return (await self.delivery(event, to)).state is not DeliveryState.PENDING

        await eventually(has_ended, within=within)
        return await self.delivery(event, to)

    async def tried(self, event: ReservationEvent, to: Subscription, times: int = 1) -> DeliveryRecord:
        """Wait until a delivery was attempted so often."""

        async def was() -> bool:
            return (await self.delivery(event, to)).attempts >= times

        await eventually(was, within=10.0)
        return await self.delivery(event, to)


def a_subscription(url: str = "https://example.com/") -> Subscription:
    """A subscription to everything that nothing knows yet."""
    now = utc_now()
    return Subscription(
        id=new_id("sub"),
        org_id=ORG,
        url=url,
        events=("*",),
        description=None,
        headers={},
        secret=secrets.token_bytes(32),
        retry=None,
        state=State.ACTIVE,
        disabled_reason=None,
        created_at=now,
        updated_at=now,
        active_since=now,
    )


def arrival(event: ReservationEvent, offset: int = 0, partition: int = 0) -> Arrival:
    """An event as the consumer hands it on."""
    record = Record(TOPIC, partition, offset, 0, event.subject.encode(), encode(event))
    return Reader(utc_now).read(record).event


async def prepare(url: str) -> None:
    """Bring an empty database up to date."""
    await migrate(url, PurePosixPath(urlsplit(url).path).name, ["chassis", "webhook_dispatcher"])
    async with Database(url, pool_size=2, application="tests").opened() as database:
        await a_retention(database).ensure({utc_now().date(), utc_now().date() + timedelta(days=1)})


def a_retention(database: Database, days: int = 30) -> Retention:
    """What makes and drops the days of a database."""
    return Retention(database, utc_now, days)


def dispatcher(
    database: Database,
    limits: Limits = LIMITS,
    guard: Guard | None = None,
    settled: Callable[[Sequence[Outcome]], None] | None = None,
    *,
    discards_at_once: int = 1_000,
) -> Dispatcher:
    """Make a dispatcher that does not run yet."""
    store = SubscriptionStore(SEALER)
    directory = Directory(store)
    sender = Sender(guard or Guard(LOOPBACK), seconds=limits.timeout, user_agent="Slotwire/test")
    worker = Worker(
        UnitOfWork(database, _nobody_relays),
        database,
        directory,
        sender,
        limits,
        discarding=Discarding(database, discards_at_once),
        settled=settled or _nobody_listens,
        clock=utc_now,
        timer=time.monotonic,
        new_id=new_id,
    )
    return Dispatcher(database, directory, worker, Ingest(directory, worker, utc_now), store)


def use_cases(one: Dispatcher, clock: Clock = utc_now, *, discards_at_once: int = 1_000) -> Subscriptions:
    """What the API does with subscriptions, beside a dispatcher."""
    return Subscriptions(
        UnitOfWork(one.database, _nobody_relays),
        one.database,
        one.store,
        Guard(LOOPBACK),
        Discarding(one.database, discards_at_once),
        clock=clock,
        new_id=new_id,
        allow_http=True,
        at_most=10,
    )


def _nobody_relays() -> None:
    """What is published stays in the outbox, for tests to look at."""


def _nobody_listens(_: Sequence[Outcome]) -> None:
    """Attempts go no further than the database."""


@asynccontextmanager
async def running(
    url: str,
    limits: Limits = LIMITS,
    guard: Guard | None = None,
    *,
    database_class: type[Database] = Database,
    settled: Callable[[Sequence[Outcome]], None] | None = None,
    discards_at_once: int = 1_000,
) -> AsyncIterator[Dispatcher]:
    """Run a dispatcher on a prepared database for the block, and stop it in good order."""
    async with database_class(url, pool_size=10, application="tests").opened() as database:
        made = dispatcher(database, limits, guard, settled, discards_at_once=discards_at_once)
        loops = (Loop("directory", Follower(made.directory, database).run), Loop("worker", made.worker.run))
        async with background(*loops, drain_seconds=limits.drain):
            await eventually(lambda: _holds(made.worker))
            async with database.connection() as conn:
                await conn.execute(_BEGINNING, TOPIC, made.partition)
            yield made


async def _holds(worker: Worker) -> bool:
    return worker.grant() is not None


async def put_backlog(database: Database, subscription_id: str, count: int) -> None:
    """Write very many deliveries that wait for an hour yet, of events that nobody has."""
    now = utc_now()
    async with database.connection() as conn:
        await conn.execute(
            """
            INSERT INTO deliveries (id, event_id, subscription_id, org_id, event_type, due_at)
            SELECT left($1, 14) || lpad(place::text, 16, '0'), 'evt_' || place, $2, $3, 'reservation.created', $4
            FROM generate_series(1, $5::int) AS place
            """,
            first_delivery_id(now),
            subscription_id,
            ORG,
            now + timedelta(hours=1),
            count,
        )


async def put_deliveries(
    database: Database,
    subscription_id: str,
    count: int,
    *,
    lease: str | None = None,
    due: datetime | None = None,
    at: datetime | None = None,
) -> list[str]:
    """Write deliveries of new events as the ingest does, held by a worker or by none; answers their ids."""
    events = [a_happening(id=next_id("evt", None, at or utc_now())) for _ in range(count)]
    births = [
        Birth(delivery_id(event.id, subscription_id), event.id, subscription_id, ORG, event.type, lease)
        for event in events
    ]
    new = [arrival(event, offset) for offset, event in enumerate(events)]
    async with database.transaction() as conn:
        await taking.claim(conn, new, [one.place for one in new], {event.id: 1 for event in events})
        await deliveries.insert(conn, births, due or utc_now())
    return [one.id for one in births]


def lease_of(one: Dispatcher) -> str | None:
    """The identity under which a worker holds new deliveries, while it does."""
    grant = one.worker.grant()
    return None if grant is None else grant.lease


@asynccontextmanager
async def late_heartbeats(one: Dispatcher) -> AsyncIterator[None]:
    """Keep a worker from its row in the database; the block begins when it has stopped sending."""

    async def has_paused() -> bool:
        return lease_of(one) is None

    async with one.database.transaction() as conn:
        await conn.execute("SELECT FROM workers FOR UPDATE")
        await eventually(has_paused, within=10)
        yield


async def waits_for_a_lock(database: Database, table: str) -> bool:
    """Tell whether a statement that names a table waits for a lock."""
    async with database.connection() as conn:
        return bool(await conn.fetchval(_WAITING, f"%{table}%"))
