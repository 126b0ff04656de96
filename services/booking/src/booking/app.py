"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from functools import partial

from aiohttp import web

from booking.api import ERRORS, UseCases, routes
from booking.consumer import GROUP, consumer
from booking.service.availability import Availability
from booking.service.bookings import Bookings
from booking.service.claiming import Claims
from booking.service.completion import Completion
from booking.service.holds import Holds
from booking.service.instances import EventInstances
from booking.service.projecting import Projection
from booking.service.reference import ReferenceData
from booking.service.reservations import Reservations
from booking.settings import DATABASE, Settings
from chassis import inbox
from chassis.clock import Clock, utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.lag import LagWatch
from chassis.lifecycle import Loop
from chassis.service import Foundation
from chassis.web import create_web_app
from slotwire_contracts import BOOKING_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS

VERSION = "0.1.0"


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[BOOKING_EVENTS, CALCOM_RESULTS])
    ids = Ids(new_id, next_id)
    bookings = Bookings(base.units, base.database, clock, ids)
    holds = Holds(base.units, clock, ids)
    completion = Completion(bookings, base.database, clock, ids)
    use_cases = UseCases(
        bookings=bookings,
        reservations=Reservations(base.database),
        holds=holds,
        availability=Availability(base.database, clock),
        data=ReferenceData(base.units, base.database, clock, ids),
        instances=EventInstances(base.units, base.database, clock, ids, bookings),
    )
    app = create_web_app(
        title="Slotwire booking",
        version=VERSION,
        routes=routes(use_cases),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )
    calcom = consumer(settings.kafka_bootstrap, base.database, Projection(clock, ids), base.relay.wake)
    base.run_in(
        app,
        Loop("holds", holds.sweep),
        Loop("completion", completion.run),
        Loop("claims", Claims(base.units, clock, ids).run),
        Loop("calcom", calcom.run),
        Loop("inbox", partial(inbox.sweep, base.database)),
        Loop("lag", LagWatch(settings.kafka_bootstrap, {GROUP: [CALCOM_BOOKINGS]}).run),
    )
    return app
