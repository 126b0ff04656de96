"""Where guests wait: a restaurant with few tables, and a class with few spots.

Invariant: every place is taken when guests begin to wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaos.load.bookings import BOOKINGS, somebody, text
from chaos.load.client import Client
from chaos.load.waitlist import WAITLIST, Venue
from chassis.clock import utc_now

_INSTANCES = "/v2/event_instances"
_VISIT = timedelta(minutes=90)


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
