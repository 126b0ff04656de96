"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

import secrets

from aiohttp import web

from calcom_sync.api import ERRORS, routes
from calcom_sync.service.integrations import Integrations
from calcom_sync.settings import DATABASE, Settings
from calcom_sync.store.integrations import TABLE, IntegrationStore
from calcom_sync.worker.metrics import SEALED_WITH_OLD_KEYS, UNREADABLE
from chassis.clock import Clock, utc_now
from chassis.lifecycle import Loop
from chassis.outbound import Guard
from chassis.resealing import Resealer, Resealing
from chassis.service import Foundation
from chassis.web import create_web_app

VERSION = "0.1.0"


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[])
    guard = Guard(settings.calcom_allow_networks)
    integrations = Integrations(
        base.database,
        IntegrationStore(base.sealer),
        guard,
        clock=clock,
        make_secret=secrets.token_urlsafe,
        allow_http=settings.calcom_allow_http,
    )
    app = create_web_app(
        title="Slotwire Cal.com sync",
        version=VERSION,
        routes=routes(integrations),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )
    resealing = Resealing(base.database, base.sealer, TABLE)
    base.run_in(app, Loop("resealing", Resealer(resealing, stale=SEALED_WITH_OLD_KEYS, unreadable=UNREADABLE).run))
    app.on_cleanup.append(lambda _: guard.close())
    return app
