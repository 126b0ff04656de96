"""Attempts onto their topic, away from the way of deliveries.

A subscription's attempts gather for a second and leave as one record: a record each would cost more than the attempt.

Invariants: taking attempts never waits, whatever the broker does; what is not yet acknowledged is bounded. While the
broker is away attempts are kept up to that bound; those beyond it are dropped and counted, and so are those of a
record that is not valid; what a killed process had not published is missing, too. The topic may also repeat a record
whose acknowledgement was lost. PostgreSQL is told of an attempt before it comes here; where the worker had lost the
delivery meanwhile, that wrote nothing, and the attempt is on the topic alone: it was made all the same.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypedDict

import structlog
from pydantic import ValidationError

from chassis.kafka import Producer, ensure_topics
from chassis.lifecycle import Loop, Stop, background
from slotwire_contracts import (
    ATTEMPTS_HEADERS,
    WEBHOOK_ATTEMPTS,
    Topic,
    WebhookAttempts,
    encode_attempts,
)
from webhook_dispatcher.domain.delivery import Attempt, Outcome
from webhook_dispatcher.domain.envelope import type_of
from webhook_dispatcher.domain.reading import AttemptRecord
from webhook_dispatcher.worker.metrics import UNPUBLISHED

_log = structlog.get_logger(__name__)

_GATHER_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_RECORD_ATTEMPTS = 500
_BATCH_RECORDS = 100
_KEPT_ATTEMPTS = 20_000
_END_SECONDS = 3.0

_Endpoint = tuple[str, str, datetime]  # subscription, organization, active since


class _Told(TypedDict):
    """A `DeliveryAttempt` before it is checked."""

    delivery_id: str
    event_type: str
    number: int
    started_at: datetime
    latency_ms: int
    status: int | None
    error: str | None
    outcome: str


class _Gathered:
    """Attempts to one endpoint that will be one record, not later than `due`."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.attempts: list[_Told] = []


class AttemptPublisher:
    """Takes outcomes and publishes their attempts."""

    def __init__(self, bootstrap: str, topic: Topic = WEBHOOK_ATTEMPTS) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._gathering: dict[_Endpoint, _Gathered] = {}  # those that are due first come first
        self._ready: deque[tuple[bytes, bytes, int]] = deque()  # key, value, attempts
        self._kept = 0

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Take the attempts of settled deliveries; they are published soon."""
        due = asyncio.get_running_loop().time() + _GATHER_SECONDS
        for outcome in outcomes:
            if (attempt := outcome.attempt) is None:
                continue
            if self._kept >= _KEPT_ATTEMPTS:
                UNPUBLISHED.inc()
                continue
            self._kept += 1
            to = attempt.to
            endpoint = (to.id, to.org_id, to.active_since)
            gathered = self._gathering.get(endpoint)
            if gathered is None:
                gathered = self._gathering[endpoint] = _Gathered(due)
            gathered.attempts.append(_told(outcome, attempt))
            if len(gathered.attempts) == _RECORD_ATTEMPTS:
                self._close(endpoint)

    async def beside(self, work: Callable[[Stop], Awaitable[None]], stop: Stop) -> None:
        """Publish for as long as some work runs, and then what it left behind."""
        async with background(Loop("attempts", self.run), drain_seconds=_END_SECONDS):
            await work(stop)

    async def run(self, stop: Stop) -> None:
        """Publish until asked to stop, and all that is there then.

        Raises:
            KafkaError, OSError: when the broker is away; run it again.
        """
        await ensure_topics(self._bootstrap, [self._topic])
        async with Producer.connected(self._bootstrap) as producer:
            while not await stop.wait(_LOOK_SECONDS):
                self._close_until(asyncio.get_running_loop().time())
                await self._send(producer)
            self._close_until(float("inf"))
            await self._send(producer)

    def _close_until(self, now: float) -> None:
        for endpoint in [
            endpoint for endpoint, _ in itertools.takewhile(lambda item: item[1].due <= now, self._gathering.items())
        ]:
            self._close(endpoint)

    def _close(self, endpoint: _Endpoint) -> None:
        subscription_id, org_id, active_since = endpoint
        attempts = self._gathering.pop(endpoint).attempts
        told = {"subscription_id": subscription_id, "org_id": org_id, "active_since": active_since}
        try:
            # The attempts of a record are checked together, which takes two thirds of what each by itself takes.
            record = WebhookAttempts.model_validate({**told, "attempts": attempts})
        except ValidationError as error:
            self._kept -= len(attempts)
            UNPUBLISHED.inc(len(attempts))
            _log.error("attempts_invalid", subscription=subscription_id, attempts=len(attempts), error=repr(error))
            return
        self._ready.append((subscription_id.encode(), encode_attempts(record), len(attempts)))

    async def _send(self, producer: Producer) -> None:
        """Send what is ready; a record leaves memory with its acknowledgement."""
        while batch := list(itertools.islice(self._ready, _BATCH_RECORDS)):
            acknowledged = [
                await producer.send(self._topic.name, key=key, value=value, headers=ATTEMPTS_HEADERS)
                for key, value, _ in batch
            ]
            await asyncio.gather(*acknowledged)
            for _, _, attempts in batch:
                self._ready.popleft()
                self._kept -= attempts


def _told(outcome: Outcome, attempt: Attempt) -> _Told:
    """Lay out an attempt as its topic tells it."""
    record = AttemptRecord.of(attempt.number, attempt.started_at, attempt.latency_ms, attempt.exchange)
    return {
        "delivery_id": outcome.job.id,
        "event_type": type_of(outcome.job.tail),
        "number": record.number,
        "started_at": record.started_at,
        "latency_ms": record.latency_ms,
        "status": record.status,
        "error": record.error,
        "outcome": outcome.state.value,
    }
