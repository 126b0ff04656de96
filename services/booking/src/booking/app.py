"""Composition: the one place where the service's parts are made and joined.

Invariant: making the application connects to nothing; what it needs is opened when it starts and closed when it ends.
"""

from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

from booking.api import ERRORS, routes
from booking.service.bookings import Bookings
from booking.service.reference import ReferenceData
from booking.settings import DATABASE, Settings
from chassis import kafka
from chassis.clock import utc_now
from chassis.crypto import Sealer
from chassis.idempotency import sweep
from chassis.identity import Identity
from chassis.lifecycle import Loop, Stop, background
from chassis.outbox import Relay
from chassis.postgres import Database, database_url
from chassis.unit import UnitOfWork
from chassis.web import create_web_app
from slotwire_contracts import BOOKING_EVENTS

VERSION = "0.1.0"


def create_app(settings: Settings) -> web.Application:
    """Make the service."""
    url = database_url(settings.postgres_url, DATABASE)
    database = Database(url, pool_size=settings.pool_size, application="booking")
    identity, identity_database = Identity.on(settings.postgres_url)
    relay = Relay(database, settings.kafka_bootstrap)
    units = UnitOfWork(database, relay.wake)
    app = create_web_app(
        title="Slotwire booking",
        version=VERSION,
        routes=routes(Bookings(units, database, utc_now), ReferenceData(units, database, utc_now)),
        statuses=ERRORS,
        identity=identity,
        sealer=Sealer(settings.sealing_key),
        checks={"postgres": database.answers, "kafka": partial(kafka.answers, settings.kafka_bootstrap)},
    )

    async def publish(stop: Stop) -> None:
        await kafka.ensure_topics(settings.kafka_bootstrap, [BOOKING_EVENTS])
        await relay.run(stop)

    async def running(_: web.Application) -> AsyncIterator[None]:
        loops = (Loop("relay", publish), Loop("idempotency", partial(sweep, database)))
        async with (
            database.opened(),
            identity_database.opened(),
            background(*loops, drain_seconds=settings.drain_seconds),
        ):
            yield

    app.cleanup_ctx.append(running)
    return app
