"""Records of `webhook.attempts` with any times, and the stream that counts them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.ids import new_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from slotwire_contracts import (
    AttemptOutcome,
    DeliveryAttempt,
    Topic,
    WebhookAttempts,
    encode_attempts,
)
from support.dispatcher import ORG, SEALER
from support.topics import write_topic
from webhook_dispatcher.domain.health import Health
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.store.subscriptions import SubscriptionStore
from webhook_dispatcher.stream import HealthStream

FIVE_DAYS = timedelta(days=5)


def an_attempt(started_at: datetime, status: int | None = 204, latency_ms: int = 20) -> DeliveryAttempt:
    """An attempt that began then; without a status it timed out."""
    return DeliveryAttempt(
        delivery_id=new_id("dlv"),
        event_type="reservation.created",
        number=1,
        started_at=started_at,
        latency_ms=latency_ms,
        status=status,
        error=None if status else "timeout",
        outcome=AttemptOutcome.DELIVERED if status == 204 else AttemptOutcome.PENDING,
    )


def a_record(to: Subscription, *attempts: DeliveryAttempt) -> tuple[bytes, bytes]:
    """A record's key and value."""
    record = WebhookAttempts(subscription_id=to.id, org_id=to.org_id, active_since=to.active_since, attempts=attempts)
    return to.id.encode(), encode_attempts(record)


@dataclass
class Counting:
    """The stream over a topic of its own, with a clock that stands where the test puts it."""

    database: Database
    bootstrap: str
    topic: Topic
    now: datetime
    woken: list[None] = field(default_factory=list)

    @property
    def health(self) -> EndpointHealth:
        units = UnitOfWork(self.database, lambda: self.woken.append(None))
        return EndpointHealth(units, self.database, SubscriptionStore(SEALER), lambda: self.now, FIVE_DAYS)

    @property
    def stream(self) -> HealthStream:
        return HealthStream(
            self.bootstrap, self.health, lambda: self.now, topic=self.topic, group=f"{self.topic.name}.health"
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run a member of the group for the block."""
        async with background(Loop("health", self.stream.run), drain_seconds=15.0):
            yield

    async def write(self, *records: tuple[bytes, bytes]) -> None:
        """Write records to the topic."""
        await write_topic(self.bootstrap, self.topic.name, list(records))

    async def of(self, one: Subscription) -> Health:
        """Read an endpoint's health."""
        return await self.health.get(ORG, one.id)


async def rows(database: Database, table: str) -> Sequence[object]:
    """Read all of a table."""
    async with database.connection() as conn:
        return [tuple(row) for row in await conn.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
