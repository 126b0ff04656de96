"""The waitlist's use cases on a clock that tests turn, beside a real booking service and a real database."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self, TypeVar

from booking.settings import DATABASE as BOOKING
from chassis.crypto import Sealer
from chassis.ids import Ids, new_id, next_id
from chassis.origin import Origin
from chassis.postgres import Database, database_url
from chassis.unit import UnitOfWork
from slotwire_contracts import CATALOG, AnyEvent, encode
from support.booking_service import SOON, text
from support.catalog_events import CHANGES, a_catalog_event, a_resource
from support.waitlist_service import DATE, PATH, Guest, WaitlistService, days_ahead, instant
from support.watch import Watch
from waitlist.client.booking import BookingClient
from waitlist.client.taking import Booked, Refused, Taking
from waitlist.domain.actors import Actor
from waitlist.domain.changing import Change
from waitlist.domain.conversion import Conversion
from waitlist.domain.entry import queue_of
from waitlist.domain.offer import Held, Offer
from waitlist.domain.terms import Wanted
from waitlist.domain.times import Span
from waitlist.domain.told import EventInstance
from waitlist.domain.visits import Place, Question
from waitlist.service.claims import Claims
from waitlist.service.due import Due
from waitlist.service.recording import Recording
from waitlist.service.tools import Tools
from waitlist.service.use_cases import UseCases
from waitlist.settings import DATABASE
from waitlist.store import offers, queues

T = TypeVar("T")
ORIGIN = Origin("req_test")


class StoppedError(Exception):
    """The process stopped here."""


class Lingering(BookingClient):
    """Asks booking of what there is.

    Attributes:
        meanwhile: what happens once while the answer about an event instance is on its way; None: nothing (any more).
    """

    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def instance(self, org_id: str, instance_id: str) -> EventInstance | None:
        """Ask for an event instance, and let something happen until the answer is there."""
        found = await super().instance(org_id, instance_id)
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        return found


class Breaking(Taking):
    """Asks booking, and stops the process once: when it is about to ask, or when it was answered.

    Attributes:
        at: the call at which to stop, and whether that is before booking is asked; None: nowhere (any more).
        error: what is raised.
        meanwhile: what happens once while booking's answer of what is free is on its way; None: nothing (any more).
    """

    def __init__(self, booking: BookingClient) -> None:
        super().__init__(booking)
        self.at: tuple[str, bool] | None = None
        self.error: Exception = StoppedError()
        self.meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def free(self, org_id: str, location_id: str, question: Question, within: Span) -> list[Place]:
        """Ask what is free, and let something happen until the answer is there."""
        found = await super().free(org_id, location_id, question, within)
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        return found

    async def hold(self, offer: Offer) -> Held | Refused:
        """Hold, or stop."""
        return await self._around("hold", super().hold(offer))

    async def book(self, conversion: Conversion) -> Booked | Refused:
        """Book, or stop."""
        return await self._around("book", super().book(conversion))

    async def release(self, org_id: str, hold_id: str) -> None:
        """Release, or stop."""
        await self._around("release", super().release(org_id, hold_id))

    async def _around(self, name: str, asking: Coroutine[Any, Any, T]) -> T:
        self._stop(name, before=True, asking=asking)
        answer = await asking
        self._stop(name, before=False, asking=asking)
        return answer

    def _stop(self, name: str, *, before: bool, asking: Coroutine[Any, Any, Any]) -> None:
        if self.at == (name, before):
            self.at = None
            asking.close()
            raise self.error


@dataclass
class Desk:
    """An organization with a location, and the use cases for it."""

    staff: Guest
    use: UseCases
    booking: Lingering
    taking: Breaking
    watch: Watch
    database: Database
    at_booking: Database

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

    async def remove(self, entry_id: str) -> None:
        """Take an entry off the waitlist."""
        await self.use.entries.remove(self.actor, entry_id, None, ORIGIN)

    async def change(self, entry_id: str, **given: Any) -> None:
        """Change some fields of an entry."""
        await self.use.entries.change(self.actor, entry_id, Change(given), ORIGIN)

    async def forget(self) -> None:
        """Take the marks of its queues away, as if all had been looked at."""
        async with self.database.connection() as conn:
            await conn.execute("DELETE FROM queues WHERE org_id = $1", self.org_id)

    async def standing_still(self, queue: str) -> bool:
        """Tell whether something of a queue stands still, and is found where no queue is due."""
        async with self.database.transaction() as conn:
            await conn.execute("LOCK TABLE queues; DELETE FROM queues")
            return (self.org_id, queue) in await offers.queues_to_resume(conn, self.watch(), 100_000)

    async def hear(self, kind: str, **of: Any) -> None:
        """Hear an event of booking, as the stream does in its own time."""
        resource = a_resource(CATALOG[kind].resource, **of)
        event = a_catalog_event(
            kind, resource=resource, change=CHANGES[kind], orgid=self.org_id, time=self.watch().replace(microsecond=0)
        )
        await Due(self.database, self.watch).hear(event)

    async def decline(self, entry_id: str) -> None:
        """Decline what an entry is offered."""
        await self.use.ending.decline(self.actor, entry_id, ORIGIN, None)


@asynccontextmanager
async def a_desk(service: WaitlistService, staff: Guest, watch: Watch) -> AsyncIterator[Desk]:
    """Put the use cases together."""
    url = database_url(service.settings.postgres_url, DATABASE)
    ids = Ids(new_id, next_id)
    booking = Lingering(str(service.settings.booking_url), service.settings.booking_key, seconds=5)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(url, pool_size=8, application="desk").opened())
        url = database_url(service.settings.postgres_url, BOOKING)
        at_booking = await stack.enter_async_context(Database(url, pool_size=2, application="desk").opened())
        await stack.enter_async_context(booking.opened())
        taking = Breaking(booking)
        tools = Tools(
            units=UnitOfWork(database, lambda: None),
            database=database,
            booking=booking,
            taking=taking,
            recording=Recording(ids),
            claims=Claims("https://guests.example", Sealer(service.settings.sealing_key)),
            mark=queues.mark,
            clock=watch,
            ids=ids,
        )
        yield Desk(staff, UseCases.of(tools), booking, taking, watch, database, at_booking)


@dataclass
class Bistro:
    """A location with some tables for two, which are taken at the time to book."""

    staff: Guest
    location_id: str
    bookings: list[str]

    @classmethod
    async def of(cls, staff: Guest, tables: int = 1) -> Self:
        """Make it."""
        location_id = await staff.location()
        bookings = []
        for _ in range(tables):
            await staff.booking.table(location_id, 2)
            booked = await staff.booking.book(at=SOON, minutes=90, location_id=location_id, party_size=2)
            bookings.append(booked.data["id"])
        return cls(staff, location_id, bookings)

    @property
    def queue(self) -> str:
        """The queue for the date to book."""
        return queue_of(self.location_id, date.fromisoformat(DATE), None)

    async def joins(self, **fields: Any) -> dict[str, Any]:
        """Put somebody on the waitlist for two at just the time that is taken; answers the entry."""
        window = {"preferredStartTime": text(SOON), "preferredEndTime": text(SOON + timedelta(minutes=90))}
        return await self.staff.joined(**{"locationId": self.location_id, "partySize": 2, **window, **fields})

    def falls_free(self) -> Awaitable[None]:
        """Cancel one of the bookings, which is nobody else's to cancel from now on."""
        return self._cancel(self.bookings.pop())

    async def _cancel(self, booking_id: str) -> None:
        cancelled = await self.staff.booking.delete(f"/api/v1/bookings/{booking_id}")
        assert cancelled.status == 200, cancelled.body

    async def policy(self, **fields: Any) -> None:
        """Set the policy of the location."""
        put = await self.staff.waitlist.send("PUT", f"{PATH}/policies/{self.location_id}", fields)
        assert put.status == 200, put.body


async def served(desk: Desk, bistro: Bistro, *minutes: int, first: int = 1) -> None:
    """Have guests join, each on a date of its own from the first one on, and become bookings that much later."""
    for number, waited in enumerate(minutes, first):
        times = {"preferredStartTime": None, "preferredEndTime": None}
        entry = await bistro.joins(requestedDate=days_ahead(number), **times)
        desk.watch.turn(minutes=waited)
        body = {"startTime": instant(days=number, hours=3), "endTime": instant(days=number, hours=4)}
        converted = await desk.staff.waitlist.post(f"{PATH}/{entry['id']}/convert", body)
        assert converted.status == 200, converted.body
        desk.watch.turn(minutes=-waited)


async def confirmed(desk: Desk) -> list[str]:
    """Read the ids of the confirmed bookings of the organization."""
    found = (await desk.staff.booking.get("/api/v1/bookings?status=CONFIRMED&limit=200")).data
    return [one["id"] for one in found]


async def held(desk: Desk) -> list[str]:
    """Read the ids of the holds that block something of the organization at booking."""
    async with desk.at_booking.connection() as conn:
        rows = await conn.fetch(
            "SELECT id FROM holds WHERE org_id = $1 AND expires_at > $2 ORDER BY id", desk.org_id, desk.watch()
        )
    return [row["id"] for row in rows]


def change_of(told: Sequence[AnyEvent]) -> dict[str, Any]:
    """Read the change that the last of some events tells, as it is written."""
    written: dict[str, Any] = json.loads(encode(told[-1]))["data"]["change"]
    return written
