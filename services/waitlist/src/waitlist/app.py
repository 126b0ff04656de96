"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from aiohttp import web

from chassis.clock import Clock, utc_now
from chassis.ids import new_id, next_id
from chassis.postgres import Connection
from chassis.service import Foundation
from chassis.web import create_web_app
from slotwire_contracts import WAITLIST_EVENTS
from waitlist.api import ERRORS, routes
from waitlist.client.booking import BookingClient
from waitlist.client.taking import Taking
from waitlist.service.claims import Claims
from waitlist.service.ids import Ids
from waitlist.service.recording import Recording
from waitlist.service.tools import Tools
from waitlist.service.use_cases import UseCases
from waitlist.settings import DATABASE, Settings

VERSION = "0.1.0"


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[WAITLIST_EVENTS])
    booking = BookingClient(str(settings.booking_url), settings.booking_key, seconds=settings.booking_timeout)
    ids = Ids(new_id, next_id)
    tools = Tools(
        units=base.units,
        database=base.database,
        booking=booking,
        taking=Taking(booking),
        recording=Recording(ids),
        claims=Claims(str(settings.public_url), base.sealer),
        mark=_mark,
        clock=clock,
        ids=ids,
    )
    app = create_web_app(
        title="Slotwire waitlist",
        version=VERSION,
        routes=routes(UseCases.of(tools)),
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


async def _mark(_conn: Connection, _org_id: str, _queue: str, _now: datetime) -> None:
    """Leave a queue to the next who matches it: nothing takes due queues here."""
