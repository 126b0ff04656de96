"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from aiohttp import web

from booking.api import ERRORS, routes
from booking.service.bookings import Bookings
from booking.service.reference import ReferenceData
from booking.settings import DATABASE, Settings
from chassis.clock import utc_now
from chassis.service import Foundation
from chassis.web import create_web_app
from slotwire_contracts import BOOKING_EVENTS

VERSION = "0.1.0"


def create_app(settings: Settings) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[BOOKING_EVENTS])
    app = create_web_app(
        title="Slotwire booking",
        version=VERSION,
        routes=routes(Bookings(base.units, base.database, utc_now), ReferenceData(base.units, base.database, utc_now)),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        checks=base.checks,
    )
    base.run_in(app)
    return app
