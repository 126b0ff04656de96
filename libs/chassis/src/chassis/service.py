"""What every service's composition begins with, and its command line.

Invariant: nothing connects before the application starts; a database or broker that is away delays readiness, not the
start.
"""

import argparse
import functools
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from aiohttp import web

from chassis import idempotency, identity, kafka, lifecycle, log, migrations, outbox, tracing
from chassis.crypto import Sealer
from chassis.identity import Identity
from chassis.lifecycle import Loop, Stop
from chassis.outbox import Relay
from chassis.postgres import Database, database_url
from chassis.settings import ServiceSettings
from chassis.unit import UnitOfWork
from chassis.web import RateLimits
from chassis.web.app import DESCRIPTION
from chassis.web.observability import Check
from slotwire_contracts import Topic

S = TypeVar("S", bound=ServiceSettings)


class Foundation:
    """The parts that every service stands on, made of its settings and wired together.

    Args:
        settings: the service's settings.
        service: its package, which is also its database's name.
        publishes: the topics that it owns; they are created when they are missing, and without any no relay runs.

    Attributes:
        database: the service's own database.
        identity: where API keys are looked up.
        sealer: seals secrets at rest.
        rate_limits: counts the requests of keys; None where the settings limit nothing.
        relay: publishes the database's outbox.
        units: begins the transactions of use cases.
        checks: what readiness asks.
    """

    def __init__(self, settings: ServiceSettings, *, service: str, publishes: Sequence[Topic]) -> None:
        self._settings = settings
        self._publishes = publishes
        self.database = Database(
            database_url(settings.postgres_url, service), pool_size=settings.pool_size, application=service
        )
        self.identity, self._identity_database = Identity.on(settings.postgres_url, settings.accepted_service_keys)
        self.sealer = Sealer(settings.sealing_key, *settings.old_sealing_keys)
        per_minute = settings.rate_limit_per_minute
        self.rate_limits = RateLimits.a_minute(per_minute) if per_minute else None
        self.relay = Relay(self.database, settings.kafka_bootstrap)
        self.units = UnitOfWork(self.database, self.relay.wake)
        self.checks: dict[str, Check] = {
            "database": self.database.answers,
            "kafka": functools.partial(kafka.answers, settings.kafka_bootstrap),
        }

    def run_in(self, app: web.Application, *loops: Loop) -> None:
        """Run the pools, the relay and a service's own loops for as long as the application runs."""
        ours = [Loop("idempotency", functools.partial(idempotency.sweep, self.database))]
        if self._publishes:
            ours += [Loop("relay", self._publish), Loop("outbox", functools.partial(outbox.watch, self.database))]

        async def context(_: web.Application) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self.database.opened())
                await stack.enter_async_context(self._identity_database.opened())
                await stack.enter_async_context(
                    lifecycle.background(*ours, *loops, drain_seconds=self._settings.drain_seconds)
                )
                yield

        app.cleanup_ctx.append(context)

    async def _publish(self, stop: Stop) -> None:
        await kafka.ensure_topics(self._settings.kafka_bootstrap, self._publishes)
        await self.relay.run(stop)


def main(
    *,
    service: str,
    create_app: Callable[[S], web.Application],
    settings_class: type[S],
    arguments: Sequence[str] | None = None,
) -> None:
    """Run a service's command line.

    `serve` answers HTTP until told to stop, `migrate` prepares the databases, and `describe` prints the API as OpenAPI:
    the settings must be there, what they name is not asked.

    Args:
        service: the service's package, which is also its database's name.
        create_app: composes the application.
        settings_class: the service's settings, read from the environment here and nowhere else.
        arguments: the words after the program's name; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service}", description=f"The Slotwire service {service}.")
    parser.add_argument("command", choices=["serve", "migrate", "describe"])
    command = parser.parse_args(arguments).command
    settings = settings_class()
    log.configure(service=service, shape=settings.log_format, level=settings.log_level)
    if command == "migrate":
        lifecycle.run(functools.partial(migrate, settings.postgres_url, service))
    elif command == "describe":
        lifecycle.run(functools.partial(_describe, settings, create_app))
    else:
        tracing.configure(service=service, endpoint=settings.traces_endpoint)
        try:
            lifecycle.run(functools.partial(_serve, settings, create_app))
        finally:
            tracing.close()


async def migrate(postgres_url: str, service: str) -> None:
    """Create the service's database and the one of keys where they are missing, and bring both up to date.

    Args:
        postgres_url: the server.
        service: the service's package, which is also its database's name.

    Raises:
        MigrationError: when a file that was applied has changed.
        asyncpg.PostgresError: when a database is refused to us, or a file fails.
    """
    await identity.migrate(postgres_url)
    await migrations.migrate(postgres_url, service, ["chassis", service])


async def _serve(settings: S, create_app: Callable[[S], web.Application]) -> None:
    await lifecycle.serve(
        create_app(settings), host=settings.host, port=settings.port, drain_seconds=settings.drain_seconds
    )


async def _describe(settings: S, create_app: Callable[[S], web.Application]) -> None:
    sys.stdout.write(create_app(settings)[DESCRIPTION].decode())
