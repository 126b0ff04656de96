"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

import functools
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from chassis.clock import utc_now
from chassis.ids import new_id, next_id
from chassis.lifecycle import Loop
from chassis.service import Foundation
from chassis.unit import UnitOfWork
from chassis.web import create_web_app
from slotwire_contracts import WAITLIST_EVENTS
from waitlist.api import ERRORS, routes
from waitlist.client.booking import BookingClient
from waitlist.service.closing import Closing
from waitlist.service.due import Due
from waitlist.service.entries import Entries
from waitlist.service.ids import Ids
from waitlist.service.policies import Policies
from waitlist.service.telling import Telling
from waitlist.settings import DATABASE, Settings
from waitlist.stream import FreeingStream
from waitlist.worker import Look, Sweeper, Worker, watch

VERSION = "0.1.0"


def create_app(settings: Settings, match: Look | None = None) -> web.Application:
    """Make the service.

    Args:
        settings: its settings.
        match: offers what is free to those who wait in a queue; without it waiting only ends.
    """
    base = Foundation(settings, service=DATABASE, publishes=[WAITLIST_EVENTS])
    booking = BookingClient(str(settings.booking_url), settings.booking_key, seconds=settings.booking_timeout)
    telling, ids = Telling(booking), Ids(new_id, next_id)
    closing = Closing(base.units, base.database, telling, utc_now, ids)
    worker = Worker(
        base.database,
        _one_after_the_other(closing.close, *([] if match is None else [match])),
        at_once=settings.waitlist_matches,
        lease=settings.waitlist_lease,
        new_id=new_id,
    )
    # Whatever is told of an entry has its queue looked at: the worker is woken with the relay.
    units = UnitOfWork(base.database, _both(base.relay.wake, worker.wake))
    entries = Entries(units, base.database, telling, utc_now, ids)
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
    base.run_in(
        app,
        Loop("freeing", FreeingStream(settings.kafka_bootstrap, Due(base.database, worker.wake)).run),
        Loop("matching", worker.run),
        Loop("sweep", Sweeper(base.database, settings.waitlist_sweep).run),
        Loop("backlog", functools.partial(watch, base.database)),
    )
    return app


def _one_after_the_other(*looks: Look) -> Look:
    async def look(org_id: str, queue: str) -> None:
        for one in looks:
            await one(org_id, queue)

    return look


def _both(*wakes: Callable[[], None]) -> Callable[[], None]:
    def wake() -> None:
        for one in wakes:
            one()

    return wake
