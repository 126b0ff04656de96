"""Bookings at a desk with few places: made, moved, confirmed, edited and cancelled by several clients at once.

Invariant: the times are so few that clients get into each other's way.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chaos.evidence import Answer
from chaos.load.client import Client
from chassis.clock import utc_now

BOOKINGS = "/api/v1/bookings"
_HALF_HOURS = 60
_KNOWN = 60


def text(instant: datetime) -> str:
    """Write an instant as callers do."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def somebody(random: Random) -> dict[str, str]:
    """Make up a guest."""
    name = f"{random.getrandbits(48):012x}"
    return {"name": f"Guest {name}", "email": f"{name}@guest.example"}


def is_done(answer: Answer) -> bool:
    """Tell whether a client was told that it was done."""
    return answer.status is not None and answer.status < 300


@dataclass
class Desk:
    """A schedule with room for two at a time.

    Attributes:
        known: bookings that somebody made here.
    """

    client: Client
    schedule_id: str
    begins: datetime
    known: list[str] = field(default_factory=list)

    @classmethod
    async def opened(cls, client: Client) -> "Desk":
        """Open it."""
        made = await client.insist("POST", "/api/v1/schedules", {"name": "Desk", "timezone": "UTC", "capacity": 2})
        begins = utc_now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=10)
        return cls(client, made["id"], begins)

    async def step(self) -> None:
        """Have something happen."""
        random = self.client.random
        if not self.known or random.random() < 0.4:
            await self._book()
            return
        booking_id = random.choice(self.known)
        path = f"{BOOKINGS}/{booking_id}"
        match random.choices(("move", "confirm", "edit", "cancel", "look"), (4, 4, 2, 3, 1))[0]:
            case "move":
                await self.client.change("PATCH", path, self._time())
            case "confirm":
                await self.client.change("PATCH", path, {"status": "CONFIRMED"})
            case "edit":
                await self.client.change("PATCH", path, {"title": f"Talk {random.randrange(1000)}", **self._time()})
            case "cancel":
                self.known.remove(booking_id)
                await self.client.change("DELETE", path)
            case _:
                await self.client.get(path)

    async def _book(self) -> None:
        guest = somebody(self.client.random)
        body = {"schedule_id": self.schedule_id, "attendee": guest, **self._time()}
        made = await self.client.change("POST", BOOKINGS, body)
        if is_done(made):
            self.known = [*self.known[-_KNOWN:], made.told["data"]["id"]]

    def _time(self) -> dict[str, Any]:
        random = self.client.random
        start = self.begins + timedelta(minutes=30 * random.randrange(_HALF_HOURS))
        return {"start_time": text(start), "end_time": text(start + timedelta(minutes=random.choice((30, 60, 90))))}
