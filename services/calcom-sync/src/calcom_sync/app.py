"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

import functools
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web

from calcom_sync.api import ERRORS, RECEIVING, add_receiver, routes
from calcom_sync.client import CalcomClient, Limits
from calcom_sync.consumer import GROUP, consumer
from calcom_sync.domain.run import Bounds
from calcom_sync.service.asking import Asking
from calcom_sync.service.integrations import Integrations
from calcom_sync.service.periodic import Periodic
from calcom_sync.service.releasing import Releasing
from calcom_sync.service.runs import Runs
from calcom_sync.service.syncing import Syncing
from calcom_sync.service.telling import Telling
from calcom_sync.service.tools import Tools
from calcom_sync.service.webhooks import Webhooks
from calcom_sync.settings import DATABASE, Settings
from calcom_sync.store.integrations import TABLE, IntegrationStore
from calcom_sync.worker import Runner, Summoner, marking
from calcom_sync.worker.forgetting import Forgetter
from calcom_sync.worker.metrics import SEALED_WITH_OLD_KEYS, UNREADABLE
from calcom_sync.worker.periodic import look
from calcom_sync.worker.releasing import release
from chassis import inbox
from chassis.clock import Clock, utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.lag import LagWatch
from chassis.lifecycle import Loop
from chassis.outbound import Guard
from chassis.resealing import Resealer, Resealing
from chassis.service import Foundation
from chassis.web import RateLimits, create_web_app
from slotwire_contracts import CALCOM_BOOKINGS, CALCOM_RESULTS

VERSION = "0.1.0"
_IDS = Ids(new_id, next_id)


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[CALCOM_BOOKINGS])
    guard = Guard(settings.calcom_allow_networks)
    store = IntegrationStore(base.sealer)
    client = CalcomClient(
        guard,
        Limits(seconds=settings.calcom_timeout, pace=settings.calcom_pace),
        user_agent=f"Slotwire/{VERSION}",
    )
    runner = _runner(settings, base, store, client, clock)
    runs = Runs(base.database, clock, _IDS, runner.wake)
    summoner = Summoner(base.database, runs)
    app = create_web_app(
        title="Slotwire Cal.com sync",
        version=VERSION,
        routes=routes(
            _integrations(settings, base, store, guard, clock),
            Asking(base.database, store, runs, patience=settings.calcom_patience),
            runs,
        ),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
        others=RECEIVING,
    )

    add_receiver(
        app,
        Webhooks(base.database, store, clock, summoner.wake),
        genuine=RateLimits.a_minute(settings.calcom_webhooks_per_minute),
        others=RateLimits.a_minute(settings.calcom_webhooks_per_minute),
    )

    async def connected(_: web.Application) -> AsyncIterator[None]:
        async with client.opened():
            yield

    app.cleanup_ctx.append(connected)
    base.run_in(app, Loop("runs", runner.run), Loop("marks", summoner.run), *_loops(settings, base, runner, clock))
    app.on_cleanup.append(lambda _: guard.close())
    return app


def _runner(
    settings: Settings, base: Foundation, store: IntegrationStore, client: CalcomClient, clock: Clock
) -> Runner:
    """Make what carries runs out."""
    bounds = Bounds(settings.calcom_run_requests, timedelta(hours=settings.calcom_run_hours))
    tools = Tools(base.units, base.database, Telling(clock, _IDS), clock, _IDS, bounds)
    return Runner(
        base.database,
        Syncing(tools, store, client).carry_out,
        at_once=settings.calcom_syncs,
        lease=settings.calcom_lease,
        clock=clock,
        new_id=new_id,
    )


def _integrations(
    settings: Settings, base: Foundation, store: IntegrationStore, guard: Guard, clock: Clock
) -> Integrations:
    """Make the use cases on integrations."""
    return Integrations(
        base.database,
        store,
        guard,
        clock=clock,
        make_secret=secrets.token_urlsafe,
        allow_http=settings.calcom_allow_http,
    )


def _loops(settings: Settings, base: Foundation, runner: Runner, clock: Clock) -> list[Loop]:
    """List what goes on by itself beside the runs."""
    periodic = Periodic(base.database, clock, _IDS, answers_within=settings.calcom_answers_within)
    resealing = Resealing(base.database, base.sealer, TABLE)
    return [
        Loop("periodic", functools.partial(look, settings.calcom_look, periodic, runner.wake)),
        Loop("webhooks", functools.partial(marking.sweep, base.database)),
        Loop("releasing", functools.partial(release, Releasing(base.units, Telling(clock, _IDS)))),
        Loop("forgetting", Forgetter(base.database, clock, timedelta(days=settings.calcom_runs_kept_days)).run),
        Loop("answers", consumer(settings.kafka_bootstrap, base.database).run),
        Loop("inbox", functools.partial(inbox.sweep, base.database)),
        Loop("lag", LagWatch(settings.kafka_bootstrap, {GROUP: [CALCOM_RESULTS]}).run),
        Loop("resealing", Resealer(resealing, stale=SEALED_WITH_OLD_KEYS, unreadable=UNREADABLE).run),
    ]
