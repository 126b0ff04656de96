"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from aiohttp import web

from calcom_sync.api import ERRORS, routes
from calcom_sync.settings import DATABASE, Settings
from chassis.service import Foundation
from chassis.web import create_web_app

VERSION = "0.1.0"


def create_app(settings: Settings) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[])
    app = create_web_app(
        title="Slotwire Cal.com sync",
        version=VERSION,
        routes=routes(),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )
    base.run_in(app)
    return app
