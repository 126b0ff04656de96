"""Somebody with a good key of another organization, who tries whatever ids can be had.

Invariant: what is asked for is never the stranger's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chaos.load.bookings import BOOKINGS
from chaos.load.client import Client
from chaos.load.waitlist import WAITLIST
from devstack.receiver import SUBSCRIPTIONS

_DEEDS: Mapping[str, Sequence[str]] = {
    WAITLIST: ("convert", "decline", "notify"),
    SUBSCRIPTIONS: ("disable", "enable", "rotate-secret", "recover"),
}
"""What can be done to the things below a path."""


@dataclass
class Stranger:
    """The stranger.

    Attributes:
        bookings, entries, subscriptions: tell ids of others.
    """

    client: Client
    bookings: Callable[[], Sequence[str]]
    entries: Callable[[], Sequence[str]]
    subscriptions: Callable[[], Sequence[str]]

    async def step(self) -> None:
        """Try one."""
        random = self.client.random
        found, path = random.choice(
            ((self.bookings, BOOKINGS), (self.entries, WAITLIST), (self.subscriptions, SUBSCRIPTIONS))
        )
        ids = found()
        if not ids:
            return
        one = f"{path}/{random.choice(ids)}"
        match random.choice(("GET", "PATCH", "DELETE", "POST", "feed")):
            case "PATCH":
                await self.client.change("PATCH", one, self._change(path), tries=1)
            case "DELETE":
                await self.client.change("DELETE", one, tries=1)
            case "POST" if path in _DEEDS:
                await self.client.change("POST", f"{one}/{random.choice(_DEEDS[path])}", {}, tries=1)
            case "feed" if path == BOOKINGS:
                await self.client.get(f"/v1/reservations/{one.rpartition('/')[2]}/events")
            case _:
                await self.client.get(one)

    def _change(self, path: str) -> dict[str, str]:
        return {BOOKINGS: {"title": "Mine"}, WAITLIST: {"notes": "Mine"}}.get(path, {"description": "Mine"})
