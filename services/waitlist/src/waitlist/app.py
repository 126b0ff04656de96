"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

import functools
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from chassis.clock import Clock, utc_now
from chassis.ids import Ids, new_id, next_id
from chassis.lag import LagWatch
from chassis.lifecycle import Loop
from chassis.postgres import Database
from chassis.service import Foundation
from chassis.unit import UnitOfWork
from chassis.web import create_web_app
from slotwire_contracts import BOOKING_EVENTS, WAITLIST_EVENTS
from waitlist.api import ERRORS, add_guest_page, routes
from waitlist.client.booking import BookingClient
from waitlist.client.taking import Taking
from waitlist.service.claims import Claims
from waitlist.service.due import Due
from waitlist.service.recording import Recording
from waitlist.service.tools import Tools
from waitlist.service.use_cases import UseCases
from waitlist.settings import DATABASE, Settings
from waitlist.store import queues
from waitlist.stream import GROUP, FreeingStream
from waitlist.worker import Look, Sweeper, Worker, resume, watch

VERSION = "0.1.0"


def create_app(settings: Settings, clock: Clock = utc_now) -> web.Application:
    """Make the service."""
    base = Foundation(settings, service=DATABASE, publishes=[WAITLIST_EVENTS])
    booking = BookingClient(str(settings.booking_url), settings.booking_key, seconds=settings.booking_timeout)
    ids, due = Ids(new_id, next_id), Due(base.database, clock)
    tools = Tools(
        # Whatever is told of an entry has its queue matched: who matches is woken with the relay.
        units=UnitOfWork(base.database, _both(base.relay.wake, due.wake)),
        database=base.database,
        booking=booking,
        taking=Taking(booking),
        recording=Recording(ids),
        claims=Claims(str(settings.public_url), base.sealer),
        mark=queues.mark,
        clock=clock,
        ids=ids,
    )
    use_cases = UseCases.of(tools)
    app = create_web_app(
        title="Slotwire waitlist",
        version=VERSION,
        routes=routes(use_cases),
        statuses=ERRORS,
        identity=base.identity,
        sealer=base.sealer,
        rate_limits=base.rate_limits,
        checks=base.checks,
    )

    add_guest_page(app, use_cases.guests, base.rate_limits)

    async def asking(_: web.Application) -> AsyncIterator[None]:
        async with booking.opened():
            yield

    app.cleanup_ctx.append(asking)
    base.run_in(
        app,
        Loop("freeing", FreeingStream(settings.kafka_bootstrap, due).run),
        Loop("sweep", Sweeper(base.database, settings.waitlist_sweep).run),
        Loop("resuming", functools.partial(resume, due)),
        Loop("backlog", functools.partial(watch, base.database)),
        Loop("lag", LagWatch(settings.kafka_bootstrap, {GROUP: [BOOKING_EVENTS]}).run),
        *_workers(settings, base.database, use_cases.matching.match, due),
    )
    return app


def _workers(settings: Settings, database: Database, match: Look, due: Due) -> list[Loop]:
    if not settings.waitlist_matches:
        return []
    worker = Worker(database, match, at_once=settings.waitlist_matches, lease=settings.waitlist_lease, new_id=new_id)
    due.waking(worker.wake)
    return [Loop("matching", worker.run)]


def _both(*wakes: Callable[[], None]) -> Callable[[], None]:
    def wake() -> None:
        for one in wakes:
            one()

    return wake
