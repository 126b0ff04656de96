"""Trying an endpoint out: one test event, posted at once, and the answer told.

Invariant: a trial is no delivery: nothing of it is stored but the answer under its Idempotency-Key, nothing follows
from the endpoint's answer, and no transaction is open while it is waited for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic_core import to_json

from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.postgres import Database
from chassis.unit import UnitOfWork
from webhook_dispatcher.domain.delivery import Job
from webhook_dispatcher.domain.errors import NotFoundError
from webhook_dispatcher.domain.events import check_type, expand
from webhook_dispatcher.domain.exchange import Exchange
from webhook_dispatcher.domain.reading import AttemptRecord
from webhook_dispatcher.domain.sample import sample_envelope
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.store.subscriptions import SubscriptionStore

_NO_LEASE = ""


class Post(Protocol):
    """The way in which every attempt is signed and sent."""

    async def __call__(self, subscription: Subscription, job: Job, now: datetime) -> Exchange:
        """Sign and post a job's body, as of an instant."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a test event; `id` is the `webhook-id` that it was sent with."""

    id: str
    event_id: str
    event_type: str
    attempt: AttemptRecord


class Trials:
    """Sends test events."""

    def __init__(
        self,
        units: UnitOfWork,
        database: Database,
        store: SubscriptionStore,
        post: Post,
        *,
        clock: Clock,
        timer: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self._units = units
        self._database = database
        self._store = store
        self._post = post
        self._clock = clock
        self._timer = timer
        self._new_id = new_id

    async def send(self, org_id: str, subscription_id: str, event_type: str | None, once: Once | None) -> Trial:
        """Send a test event to a subscription's endpoint, be the subscription enabled or not.

        Args:
            org_id: the caller's organization.
            subscription_id: the subscription.
            event_type: a public type; the first that the subscription wants if it is None.
            once: the request's idempotency key, if it has one.

        Raises:
            NotFoundError: the organization has no such subscription.
            ValidationFailedError: `event` is no type of event.
        """
        async with self._database.connection() as conn:
            if once is not None:
                await once.look(conn)
            subscription = await self._store.fetch(conn, org_id, subscription_id)
        if subscription is None:
            raise NotFoundError("there is no such subscription")
        wanted = min(expand(subscription.events)) if event_type is None else check_type(event_type)
        trial = await self._try(subscription, wanted)
        async with self._units.begin(once) as unit:
            unit.answer(trial)
        return trial

    async def _try(self, subscription: Subscription, event_type: str) -> Trial:
        started_at = self._clock()
        trial_id, event_id = self._new_id("dlv"), self._new_id("evt")
        tail = to_json(sample_envelope(event_type, event_id, started_at))[1:]
        began = self._timer()
        exchange = await self._post(subscription, Job(trial_id, subscription.id, _NO_LEASE, 0, tail), started_at)
        latency_ms = int((self._timer() - began) * 1000)
        attempt = AttemptRecord.of(1, started_at, latency_ms, exchange)
        return Trial(trial_id, event_id, event_type, attempt)
