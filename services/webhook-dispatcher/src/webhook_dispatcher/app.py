"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

import functools
import time
from datetime import timedelta

from aiohttp import web

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.lag import LagWatch
from chassis.lifecycle import Loop
from chassis.outbound import Guard
from chassis.resealing import Resealer, Resealing
from chassis.service import Foundation
from chassis.web import create_web_app
from slotwire_contracts import WEBHOOK_ATTEMPTS, WEBHOOK_EVENTS, public_topics
from webhook_dispatcher.api import ERRORS, routes
from webhook_dispatcher.client.sender import Sender
from webhook_dispatcher.consumer import GROUP, Reader, consumer
from webhook_dispatcher.service.deliveries import Deliveries
from webhook_dispatcher.service.directory import Directory
from webhook_dispatcher.service.discarding import Discarding
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.service.ingest import Ingest
from webhook_dispatcher.service.ledger import Accounting, Ledgers
from webhook_dispatcher.service.recovery import Recovery
from webhook_dispatcher.service.replaying import Replaying, StepLimits
from webhook_dispatcher.service.retention import Retention
from webhook_dispatcher.service.subscriptions import Subscriptions
from webhook_dispatcher.service.trials import Trials
from webhook_dispatcher.settings import DATABASE, Settings
from webhook_dispatcher.store.sealed import TABLE as SEALED
from webhook_dispatcher.store.subscriptions import SubscriptionStore
from webhook_dispatcher.stream import GROUP as HEALTH_GROUP
from webhook_dispatcher.stream import HealthStream
from webhook_dispatcher.worker import (
    AttemptPublisher,
    Follower,
    Limits,
    Replayer,
    Retainer,
    Watcher,
    Worker,
)
from webhook_dispatcher.worker.metrics import SEALED_WITH_OLD_KEYS, UNREADABLE

VERSION = "0.1.0"


def create_app(settings: Settings) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[WEBHOOK_EVENTS])
    guard = Guard(settings.webhook_allow_networks)
    store = SubscriptionStore(base.sealer)
    directory = Directory(store)
    sender = Sender(guard, seconds=settings.webhook_timeout, user_agent=f"Slotwire/{VERSION}")
    attempts = AttemptPublisher(settings.kafka_bootstrap)
    discarding = Discarding(base.database)
    worker = Worker(
        base.units,
        base.database,
        directory,
        sender,
        _limits(settings),
        discarding=discarding,
        settled=attempts.take,
        clock=utc_now,
        timer=time.monotonic,
        new_id=new_id,
    )
    health = EndpointHealth(
        base.units, base.database, store, utc_now, timedelta(seconds=settings.webhook_disable_after)
    )
    ingest = Ingest(directory, worker, utc_now)
    retention = Retention(base.database, utc_now, settings.webhook_retention_days)
    subscriptions = Subscriptions(
        base.units,
        base.database,
        store,
        guard,
        discarding,
        clock=utc_now,
        new_id=new_id,
        allow_http=settings.webhook_allow_http,
        at_most=settings.webhook_subscriptions_per_organization,
    )
    replayer = Replayer(
        settings.kafka_bootstrap,
        Replaying(base.database, store, retention, StepLimits(), clock=utc_now, reopened=worker.reopened),
        topics=[topic.name for topic in public_topics()],
        group=GROUP,
        read=Reader(utc_now).read,
        new_id=new_id,
    )
    recovery = Recovery(
        base.units,
        base.database,
        store,
        clock=utc_now,
        new_id=new_id,
        reopened=worker.reopened,
        started=replayer.wake,
    )
    trials = Trials(
        base.units, base.database, store, worker.post, clock=utc_now, timer=time.perf_counter, new_id=new_id
    )
    app = create_web_app(
        title="Slotwire webhooks",
        version=VERSION,
        routes=routes(
            subscriptions,
            Deliveries(base.database, store),
            ledgers=Ledgers(base.database),
            recovery=recovery,
            trials=trials,
            health=health,
        ),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )
    base.run_in(
        app,
        Loop("directory", Follower(directory, base.database).run),
        Loop("worker", functools.partial(attempts.beside, worker.run)),
        Loop("replays", replayer.run),
        Loop("consumer", consumer(settings.kafka_bootstrap, base.database, ingest, retention, clock=utc_now).run),
        Loop("partitions", Retainer(retention).run),
        Loop("resealing", _resealer(base).run),
        Loop("ledger", Watcher(Accounting(base.database, utc_now)).run),
        Loop("health", HealthStream(settings.kafka_bootstrap, health, utc_now).run),
        Loop("lag", LagWatch(settings.kafka_bootstrap, {GROUP: public_topics(), HEALTH_GROUP: [WEBHOOK_ATTEMPTS]}).run),
    )
    app.on_cleanup.append(lambda _: guard.close())
    return app


def _resealer(base: Foundation) -> Resealer:
    return Resealer(Resealing(base.database, base.sealer, SEALED), stale=SEALED_WITH_OLD_KEYS, unreadable=UNREADABLE)


def _limits(settings: Settings) -> Limits:
    return Limits(
        timeout=settings.webhook_timeout,
        margin=settings.webhook_lease_margin,
        endpoint_slots=settings.webhook_endpoint_slots,
        slots=settings.webhook_slots,
        retry_slots=settings.webhook_retry_slots,
        endpoint_queue=settings.webhook_endpoint_queue,
        queue=settings.webhook_queue,
        drain=settings.drain_seconds,
    )
