"""What happens where guests wait: they join, are offered what falls free, accept, decline, leave or let it pass.

Invariant: what falls free is given back by a booking that is cancelled.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.load.bookings import BOOKINGS, is_done, somebody
from chaos.load.client import Client
from chassis.lifecycle import Stop

WAITLIST = "/api/v1/waitlist"
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
