"""Waitlists of a restaurant and of a class: guests join, are offered what falls free, accept, decline and leave.

Invariant: every place is taken when guests begin to wait; what falls free is given back by a booking that is cancelled.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chaos.load.bookings import BOOKINGS, is_done, somebody, text
from chaos.load.client import Client
from chassis.clock import utc_now
from chassis.lifecycle import Stop

WAITLIST = "/api/v1/waitlist"
_INSTANCES = "/v2/event_instances"
_VISIT = timedelta(minutes=90)
_WAITING = 12


@dataclass
class Venue(ABC):
    """Something that people wait for.

    Attributes:
        taken: bookings that can be cancelled.
        waiting: entries of guests who may wait still.
        is_brief: whether its offers end while the system settles, and others follow them.
    """

    client: Client
    taken: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    is_brief: bool = False

    @abstractmethod
    async def walk_in(self) -> None:
        """Take a place without waiting."""

    @abstractmethod
    def wish(self) -> dict[str, Any]:
        """Tell what somebody waits for."""

    async def step(self) -> None:
        """Have something happen."""
        random = self.client.random
        kinds = ("join", "cancel", "accept", "decline", "leave", "change", "walk in", "look")
        match random.choices(kinds, (5, 4, 3, 2, 1, 1, 1, 3))[0]:
            case "join":
                await self._join()
            case "cancel":
                await self._cancel()
            case "walk in":
                await self.walk_in()
            case deed:
                await self._by_guest(deed)

    async def close(self) -> None:
        """Send home who waits still."""
        patient = replace(self.client, over=Stop())
        for entry_id in self.waiting:
            await patient.change("DELETE", f"{WAITLIST}/{entry_id}")

    async def book(self, path: str, body: dict[str, Any]) -> None:
        """Book something, if it is free."""
        made = await self.client.change("POST", path, body)
        if is_done(made):
            self.taken.append(made.told["data"]["id"])

    async def _join(self) -> None:
        if len(self.waiting) >= _WAITING:
            return
        random = self.client.random
        body = {"contact": somebody(random), "priority": random.randrange(3), **self.wish()}
        joined = await self.client.change("POST", WAITLIST, body)
        if is_done(joined):
            self.waiting.append(joined.told["data"]["id"])

    async def _cancel(self) -> None:
        if self.taken:
            booking_id = self.taken.pop(self.client.random.randrange(len(self.taken)))
            await self.client.change("DELETE", f"{BOOKINGS}/{booking_id}")

    async def _by_guest(self, deed: str) -> None:
        if not self.waiting:
            return
        entry_id = self.client.random.choice(self.waiting)
        path = f"{WAITLIST}/{entry_id}"
        seen = await self.client.get(path)
        if not is_done(seen):
            return
        entry = seen.told["data"]
        if entry["status"] not in {"waiting", "notified"}:
            self._ended(entry)
        elif deed == "leave":
            await self.client.change("DELETE", path)
        elif deed == "change":
            await self.client.change("PATCH", path, {"notes": f"Call {self.client.random.randrange(100)}"})
        elif entry["status"] == "notified" and deed in {"accept", "decline"}:
            await self.client.change("POST", f"{path}/{'convert' if deed == 'accept' else 'decline'}", {})

    def _ended(self, entry: dict[str, Any]) -> None:
        self.waiting.remove(entry["id"])
        if entry["status"] == "converted":
            self.taken.append(entry["bookingId"])


@dataclass
class Restaurant(Venue):
    """A location with three tables, and two sittings on one date."""

    location_id: str = ""
    sittings: tuple[datetime, ...] = ()

    @classmethod
    async def opened(cls, client: Client, **policy: Any) -> "Restaurant":
        """Open it, and fill it."""
        place = {"name": "Bistro", "timezone": "UTC", "auto_confirm": True, "visit_minutes": 90}
        location = await client.insist("POST", "/api/v1/locations", place)
        evening = utc_now().replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=3)
        sittings = (evening, evening + timedelta(hours=2))
        made = cls(client, is_brief=policy.get("offerMinutes") == 1, location_id=location["id"], sittings=sittings)
        for number in range(3):
            table = {"location_id": made.location_id, "name": f"Table {number}", "min_party": 1, "max_party": 2}
            await client.insist("POST", "/api/v1/tables", table)
        await client.insist("PUT", f"{WAITLIST}/policies/{made.location_id}", policy)
        for sitting in made.sittings * 3:
            await made.book(BOOKINGS, made._visit(sitting))
        return made

    async def walk_in(self) -> None:
        """Ask for a table."""
        await self.book(BOOKINGS, self._visit(self.client.random.choice(self.sittings)))

    def wish(self) -> dict[str, Any]:
        """Wait for a table at one of the sittings."""
        sitting = self.client.random.choice(self.sittings)
        times = {"preferredStartTime": text(sitting), "preferredEndTime": text(sitting + _VISIT)}
        return {"locationId": self.location_id, "requestedDate": sitting.date().isoformat(), "partySize": 2, **times}

    def _visit(self, sitting: datetime) -> dict[str, Any]:
        times = {"start_time": text(sitting), "end_time": text(sitting + _VISIT)}
        guest = somebody(self.client.random)
        return {"location_id": self.location_id, "party_size": 2, "attendee": guest, **times}


@dataclass
class Course(Venue):
    """An event instance with four spots."""

    uid: str = ""

    @classmethod
    async def opened(cls, client: Client, start: datetime, **policy: Any) -> "Course":
        """Announce it, and fill it."""
        service = {
            "name": "Yoga",
            "service_type": "event",
            "timezone": "UTC",
            "duration_minutes": 60,
            "max_attendance": 4,
        }
        told = await client.insist("POST", "/v2/settings/services", service | {"requires_confirmation": False})
        service_id = told["uid"]
        await client.insist("PUT", f"{WAITLIST}/policies/{service_id}", policy)
        instance = {"service_id": service_id, "start_time": text(start)}
        made = cls(client, uid=(await client.insist("POST", _INSTANCES, instance))["uid"])
        for _ in range(4):
            await made.walk_in()
        return made

    async def walk_in(self) -> None:
        """Register for it."""
        body = {"attendee": somebody(self.client.random), "party_size": 1}
        await self.book(f"{_INSTANCES}/{self.uid}/registrations", body)

    def wish(self) -> dict[str, Any]:
        """Wait for a spot."""
        return {"eventInstanceId": self.uid, "partySize": 1}
