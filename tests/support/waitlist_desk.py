"""The waitlist's use cases on a clock that tests turn, beside a real booking service and a real database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from chassis.crypto import Sealer
from chassis.ids import new_id, next_id
from chassis.postgres import Connection, Database, database_url
from chassis.unit import UnitOfWork
from support.booking_service import Answer
from support.waitlist_service import DATE, Guest, WaitlistService
from support.watch import Watch
from waitlist.client.booking import BookingClient
from waitlist.client.taking import Taking
from waitlist.domain.actors import Actor
from waitlist.domain.entry import queue_of
from waitlist.domain.offer import Offer
from waitlist.domain.terms import Wanted
from waitlist.service.claims import Claims
from waitlist.service.ids import Ids
from waitlist.service.origin import Origin
from waitlist.service.recording import Recording
from waitlist.service.tools import Tools
from waitlist.service.use_cases import UseCases
from waitlist.settings import DATABASE
from waitlist.store import offers

ORIGIN = Origin("req_test")


@dataclass
class Marks:
    """Which queues were marked as due."""

    found: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, _conn: Connection, org_id: str, queue: str, _now: datetime) -> None:
        """Mark a queue."""
        self.found.append((org_id, queue))


@dataclass
class Desk:
    """An organization with a location, and the use cases for it."""

    staff: Guest
    use: UseCases
    tools: Tools
    watch: Watch
    marks: Marks
    database: Database

    @property
    def org_id(self) -> str:
        """The organization."""
        return self.staff.org_id

    @property
    def actor(self) -> Actor:
        """Its staff."""
        return Actor(self.org_id, "staff")

    async def match(self, queue: str) -> None:
        """Match a queue."""
        await self.use.matching.match(self.org_id, queue)

    async def status(self, entry_id: str) -> str:
        """Tell where an entry stands."""
        return str((await self.use.entries.get(self.actor, entry_id)).entry.status)

    async def offer(self, entry_id: str) -> Offer | None:
        """Read the open offer of an entry."""
        async with self.database.connection() as conn:
            return await offers.open_of(conn, self.org_id, entry_id)

    async def live(self, entry_id: str) -> Offer:
        """Read the open offer of an entry that has one."""
        found = await self.offer(entry_id)
        assert found is not None, await self.status(entry_id)
        return found

    async def convert(self, entry_id: str, **wanted: Any) -> str | None:
        """Turn an entry into a booking, and answer the booking's id."""
        placed = await self.use.converting.convert(self.actor, entry_id, Wanted(**wanted), ORIGIN, None)
        return placed.entry.booking_id

    async def decline(self, entry_id: str) -> None:
        """Decline what an entry is offered."""
        await self.use.ending.decline(self.actor, entry_id, ORIGIN, None)


def queue_at(location_id: str) -> str:
    """Name the queue of a location on the date to wait for."""
    return queue_of(location_id, date.fromisoformat(DATE), None)


@asynccontextmanager
async def a_desk(
    service: WaitlistService, staff: Guest, watch: Watch, *, wrap: Callable[[Taking], Taking] = lambda taking: taking
) -> AsyncIterator[Desk]:
    """Put the use cases together; `wrap` may stand between them and booking."""
    url = database_url(service.settings.postgres_url, DATABASE)
    ids, marks = Ids(new_id, next_id), Marks()
    booking = BookingClient(str(service.settings.booking_url), service.settings.booking_key, seconds=5)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(url, pool_size=8, application="desk").opened())
        await stack.enter_async_context(booking.opened())
        tools = Tools(
            units=UnitOfWork(database, lambda: None),
            database=database,
            booking=booking,
            taking=wrap(Taking(booking)),
            recording=Recording(ids),
            claims=Claims("https://guests.example", Sealer(service.settings.sealing_key)),
            mark=marks,
            clock=watch,
            ids=ids,
        )
        yield Desk(staff, UseCases.of(tools), tools, watch, marks, database)


async def taken(staff: Guest, location_id: str, at: datetime, minutes: int = 90, **fields: Any) -> dict[str, Any]:
    """Take a table, so that somebody has to wait for it; answers the booking."""
    answer: Answer = await staff.booking.book(at=at, minutes=minutes, location_id=location_id, **fields)
    return dict(answer.data)
