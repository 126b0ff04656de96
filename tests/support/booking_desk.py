"""The booking service's use cases at an instant that a test sets, on a database that no service works on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from booking.domain.actors import Actor
from booking.domain.holds import Hold
from booking.domain.reference import SCHEDULES, Schedule
from booking.service.bookings import Bookings
from booking.service.completion import Completion
from booking.service.holds import Holds
from booking.service.reference import ReferenceData
from booking.settings import DATABASE
from chassis import migrations
from chassis.ids import Ids, new_id, next_id
from chassis.origin import Origin
from chassis.postgres import Database, database_url
from chassis.unit import UnitOfWork
from slotwire_contracts import AnyEvent, decode
from support.booking_values import NOW, START
from support.servers import Servers

ORIGIN = Origin("req_1")
_DATABASE = "booking_desk"


@dataclass
class Desk:
    """The use cases for the staff of one organization; what they tell stays in the outbox."""

    db: Database
    actor: Actor = field(default_factory=lambda: Actor(new_id("org"), "staff"))
    now: datetime = NOW

    def __post_init__(self) -> None:
        units, ids = UnitOfWork(self.db, lambda: None), Ids(new_id, next_id)
        self.bookings = Bookings(units, self.db, self.clock, ids)
        self.holds = Holds(units, self.clock, ids)
        self.completion = Completion(self.bookings, self.db, self.clock, ids)
        self.data = ReferenceData(units, self.db, self.clock, ids)

    def clock(self) -> datetime:
        """The instant that it is."""
        return self.now

    async def schedule(self, **fields: Any) -> str:
        """Make a schedule and answer its id."""
        schedule = Schedule(name="Room", timezone="UTC", **fields)
        return (await self.data.create(self.actor, SCHEDULES, schedule, ORIGIN, None)).id

    async def hold(self, schedule_id: str, start: datetime = START, minutes: int = 60) -> Hold:
        """Hold some time of a schedule for ten minutes."""
        given = {"schedule_id": schedule_id, "start_time": start, "end_time": start + timedelta(minutes=minutes)}
        return await self.holds.create(self.actor, given, 10, None)

    async def told(self, *resource_ids: str) -> list[AnyEvent]:
        """The events of some resources, in order."""
        keys = [resource_id.encode() for resource_id in resource_ids]
        async with self.db.connection() as conn:
            rows = await conn.fetch("SELECT value FROM outbox WHERE key = ANY ($1) ORDER BY id", keys)
        return [decode(row["value"]) for row in rows]


@asynccontextmanager
async def quiet_database(servers: Servers) -> AsyncIterator[Database]:
    """A database of the booking service that no service works on."""
    await migrations.migrate(servers.postgres_url, _DATABASE, ["chassis", DATABASE])
    url = database_url(servers.postgres_url, _DATABASE)
    async with Database(url, pool_size=8, application="tests").opened() as opened:
        yield opened
