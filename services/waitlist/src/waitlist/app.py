"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from chassis.clock import utc_now
from chassis.ids import new_id, next_id
from chassis.service import Foundation
from chassis.web import create_web_app
from slotwire_contracts import WAITLIST_EVENTS
from waitlist.api import ERRORS, routes
from waitlist.client.booking import BookingClient
from waitlist.service.entries import Entries
from waitlist.service.ids import Ids
from waitlist.service.policies import Policies
from waitlist.service.telling import Telling
from waitlist.settings import DATABASE, Settings

VERSION = "0.1.0"


def create_app(settings: Settings) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[WAITLIST_EVENTS])
    booking = BookingClient(str(settings.booking_url), settings.booking_key, seconds=settings.booking_timeout)
    entries = Entries(base.units, base.database, Telling(booking), utc_now, Ids(new_id, next_id))
    app = create_web_app(
        title="Slotwire waitlist",
        version=VERSION,
        routes=routes(entries, Policies(base.database, booking)),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )

    async def asking(_: web.Application) -> AsyncIterator[None]:
        async with booking.opened():
            yield

    app.cleanup_ctx.append(asking)
    base.run_in(app)
    return app
