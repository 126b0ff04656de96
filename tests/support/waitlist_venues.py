"""Where a random evening takes place: the tables of a restaurant, or the spots of an event.

Invariant: what is free is what booking tells.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from support.booking_service import SOON, Answer, text
from support.event_instances import PATH, add_instance, register
from support.waitlist_desk import Bistro
from support.waitlist_service import PATH as WAITLIST
from support.waitlist_service import Guest, somebody

VISIT = timedelta(minutes=90)


@dataclass
class Restaurant:
    """Two tables for two and one for four, which are all taken at two sittings.

    Attributes:
        seats: how many each table seats.
    """

    bistro: Bistro
    seats: dict[str, int]
    bookings: list[str] = field(default_factory=list)
    sittings: tuple[datetime, ...] = (SOON, SOON + timedelta(hours=3))

    @classmethod
    async def of(cls, staff: Guest) -> Self:
        """Open it."""
        location_id = await staff.location()
        seats = {await staff.booking.table(location_id, number): number for number in (2, 2, 4)}
        made = cls(Bistro(staff, location_id, []), seats)
        for sitting in made.sittings:
            for number in seats.values():
                assert await made.walks_in(number, sitting)
        return made

    @property
    def queue(self) -> str:
        """The queue for the date of both sittings."""
        return self.bistro.queue

    async def policy(self, **fields: Any) -> None:
        """Set its policy."""
        await self.bistro.policy(**fields)

    async def joins(self, party_size: int, sitting: datetime, priority: int) -> str | None:
        """Put somebody on the waitlist for just one sitting, and answer the entry's id."""
        window = {"preferredStartTime": text(sitting), "preferredEndTime": text(sitting + VISIT)}
        return str((await self.bistro.joins(partySize=party_size, priority=priority, **window))["id"])

    async def walks_in(self, party_size: int, sitting: datetime) -> bool:
        """Book something for somebody who does not wait, if it is free."""
        booked = await self.bistro.staff.booking.book(
            at=sitting, minutes=90, location_id=self.bistro.location_id, party_size=party_size
        )
        return _kept(self.bookings, booked)

    async def cancels(self, booking_id: str) -> datetime:
        """Cancel a booking, and answer its start."""
        return await _cancelled(self.bistro.staff, booking_id)

    def taken(self, start: datetime) -> dict[str, Any]:
        """Tell what a booking took, as an event of it does."""
        span = {"start_time": text(start), "end_time": text(start + VISIT)}
        return {"location_id": self.bistro.location_id, "schedule_id": None, **span}

    async def is_free(self, party_size: int, sitting: datetime) -> bool:
        """Tell whether booking has something for a party."""
        query = (
            f"location_id={self.bistro.location_id}&party_size={party_size}&duration_minutes=90"
            f"&interval_minutes=15&from={text(sitting)}&to={text(sitting + timedelta(minutes=1))}"
        )
        return bool((await self.bistro.staff.booking.get(f"/api/v1/availability?{query}")).data)

    def seat(self, table_ids: Collection[str], party_size: int) -> bool:
        """Tell whether somebody with that many could have had some tables."""
        return party_size <= sum(self.seats[table_id] for table_id in table_ids)


@dataclass
class Course:
    """An event with four spots, which are all taken."""

    staff: Guest
    instance: dict[str, Any]
    bookings: list[str] = field(default_factory=list)
    sittings: tuple[datetime, ...] = (SOON,)

    @classmethod
    async def of(cls, staff: Guest) -> Self:
        """Announce it."""
        made = cls(staff, await add_instance(staff.booking, max_attendance=4))
        for party_size in (1, 1, 2):
            assert await made.walks_in(party_size, SOON)
        return made

    @property
    def queue(self) -> str:
        """The queue for it."""
        return str(self.instance["uid"])

    async def policy(self, **fields: Any) -> None:
        """Set the policy of its service."""
        path = f"{WAITLIST}/policies/{self.instance['service_id']}"
        put = await self.staff.waitlist.send("PUT", path, fields)
        assert put.status == 200, put.body

    async def joins(self, party_size: int, _sitting: datetime, priority: int) -> str | None:
        """Put somebody on the waitlist, and answer the entry's id; None while it is not full."""
        wanted = {"eventInstanceId": self.queue, "requestedDate": None, "contact": somebody()}
        joined = await self.staff.join(**wanted, partySize=party_size, priority=priority)
        assert joined.status == 201 or joined.body["error"]["details"]["errors"][0]["rule"] == "not_full", joined.body
        return str(joined.data["id"]) if joined.status == 201 else None

    async def walks_in(self, party_size: int, _sitting: datetime) -> bool:
        """Register somebody who does not wait, if spots are free."""
        return _kept(self.bookings, await register(self.staff.booking, self.queue, party_size=party_size))

    async def cancels(self, booking_id: str) -> datetime:
        """Cancel a registration, and answer its start."""
        return await _cancelled(self.staff, booking_id)

    def taken(self, start: datetime) -> dict[str, Any]:
        """Tell what a registration took, as an event of it does."""
        span = {"start_time": text(start), "end_time": text(start + VISIT)}
        return {"event_instance_id": self.queue, "schedule_id": None, "location_id": None, **span}

    async def is_free(self, party_size: int, _sitting: datetime) -> bool:
        """Tell whether booking has spots for a party."""
        told = (await self.staff.booking.get(f"{PATH}/{self.queue}")).data
        return bool(told["remaining"] >= party_size)


Venue = Restaurant | Course


def _kept(bookings: list[str], booked: Answer) -> bool:
    if booked.status == 201:
        bookings.append(booked.data["id"])
    return booked.status == 201


async def _cancelled(staff: Guest, booking_id: str) -> datetime:
    cancelled = await staff.booking.delete(f"/api/v1/bookings/{booking_id}")
    assert cancelled.status == 200, cancelled.body
    return datetime.fromisoformat((await staff.booking.get(f"/api/v1/bookings/{booking_id}")).data["start_time"])
