"""One attempt: compose, sign, send, decide.

Invariant: every job ends in exactly one outcome; a subscription that is not active any more is sent nothing.
"""

import random
import time
from datetime import datetime
from typing import assert_never

import structlog

from chassis import tracing
from chassis.clock import Clock
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.domain.auth import UnreadableAuth
from webhook_dispatcher.domain.decision import Delivered, EndpointGone, Exhausted, Retry, Verdict, decide
from webhook_dispatcher.domain.delivery import Attempt, DeliveryState, DiscardReason, Job, Outcome
from webhook_dispatcher.domain.envelope import body_of, event_id_of
from webhook_dispatcher.domain.exchange import Answer, Exchange, Failure, FailureKind
from webhook_dispatcher.domain.ids import instant_of
from webhook_dispatcher.domain.rotation import signing_keys
from webhook_dispatcher.domain.signature import sign
from webhook_dispatcher.domain.subscription import Subscription
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.worker.metrics import ATTEMPTS, FAILURES, LATENCY
from webhook_dispatcher.worker.spans import trace

_log = structlog.get_logger(__name__)


class Attempts:
    """Makes attempts and tells their outcomes."""

    def __init__(self, sender: Sender, directory: Directory, clock: Clock) -> None:
        self._sender = sender
        self._directory = directory
        self._clock = clock

    async def make(self, job: Job) -> Outcome:
        """Attempt a delivery, unless its subscription is sent nothing any more."""
        subscription = self._directory.active(job.subscription_id)
        if subscription is None:
            return self.discarded(job)
        with tracing.within(job.traceparent):
            started_at = self._clock()
            began = time.perf_counter()
            exchange = await self.exchange(subscription, job, started_at)
            latency_ms = int((time.perf_counter() - began) * 1000)
            attempt = Attempt(job.attempts + 1, started_at, latency_ms, exchange, subscription)
            outcome = self._conclude(job, subscription, attempt)
        if tracing.is_on():
            trace(outcome, attempt)
        return outcome

    def discarded(self, job: Job) -> Outcome:
        """Tell the outcome of a delivery whose subscription is sent nothing any more."""
        return Outcome(job, DeliveryState.DISCARDED, self._directory.discard_reason(job.subscription_id))

    async def exchange(self, subscription: Subscription, job: Job, now: datetime) -> Exchange:
        """Sign and post a job's body; nothing follows from the answer."""
        auth = subscription.auth
        if subscription.secret is None or subscription.headers is None or isinstance(auth, UnreadableAuth):
            return Failure(FailureKind.SEALED, "the secret, the headers or the auth were sealed with another key")
        body, timestamp = body_of(job.id, job.tail), int(now.timestamp())
        headers = {
            **subscription.headers,
            "content-type": "application/json",
            "webhook-id": job.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(
                sign(key, job.id, timestamp, body)
                for key in signing_keys(subscription.secret, subscription.old_secrets, now)
            ),
        }
        try:
            return await self._sender.post(subscription.url, headers, body, auth)
        except Exception as error:  # noqa: BLE001 - whatever an endpoint provokes, its delivery needs an outcome
            _log.exception("attempt_broke", delivery=job.id, subscription=subscription.id)
            return Failure(FailureKind.PROTOCOL, f"the exchange broke: {type(error).__name__}")

    def _conclude(self, job: Job, subscription: Subscription, attempt: Attempt) -> Outcome:
        now = self._clock()
        noise = random.random()  # noqa: S311 - jitter, not a secret
        verdict = decide(attempt.exchange, attempt.number - job.earlier, subscription.policy, noise, now)
        outcome = self._outcome(job, subscription.url, attempt, verdict)
        ATTEMPTS[outcome.state].inc()
        if not job.is_again:
            LATENCY.observe(max(0.0, (now - instant_of(job.id)).total_seconds()))
        if outcome.state is not DeliveryState.DELIVERED:
            _tell(outcome, attempt)
        return outcome

    def _outcome(self, job: Job, url: str, attempt: Attempt, verdict: Verdict) -> Outcome:
        match verdict:
            case Delivered():
                return Outcome(job, DeliveryState.DELIVERED, attempt=attempt)
            case EndpointGone():
                return Outcome(job, DeliveryState.DISCARDED, DiscardReason.DISABLED, attempt=attempt, gone=url)
            case Exhausted():
                return Outcome(job, DeliveryState.EXHAUSTED, attempt=attempt)
            case Retry(due=due) if self._directory.active(job.subscription_id) is not None:
                return Outcome(job, DeliveryState.PENDING, due=due, attempt=attempt)
            case Retry():
                reason = self._directory.discard_reason(job.subscription_id)
                return Outcome(job, DeliveryState.DISCARDED, reason, attempt=attempt)
            case _:
                assert_never(verdict)


def _tell(outcome: Outcome, attempt: Attempt) -> None:
    """Count an attempt that failed, and write its one wide line."""
    answer: dict[str, object]
    match attempt.exchange:
        case Answer(status=status):
            answer = {"status": status}
        case Failure(kind=kind):
            answer = {"error": kind}
            FAILURES.labels(kind).inc()
        case _:
            assert_never(attempt.exchange)
    _log.info(
        "attempt_failed",
        delivery=outcome.job.id,
        event_id=event_id_of(outcome.job.tail),
        subscription=outcome.job.subscription_id,
        number=attempt.number,
        latency_ms=attempt.latency_ms,
        state=outcome.state,
        due=outcome.due,
        **answer,
    )
