"""What a guest sees and does who has nothing but a link.

Invariant: a link reaches the one entry that it is of, as that entry's guest; looking at it changes nothing, and what is
done goes through the same use cases as the API's calls.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from chassis.origin import Origin
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.offer import Offer
from waitlist.domain.terms import Wanted
from waitlist.domain.told import Booking, EventInstance, Location
from waitlist.service.converting import Converting
from waitlist.service.ending import Ending
from waitlist.service.entries import Entries
from waitlist.service.estimating import show
from waitlist.service.telling import Telling
from waitlist.service.tools import Tools
from waitlist.store import offers


class LinkOverError(Exception):
    """The link was good once."""


class Deed(StrEnum):
    """What a guest can do."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LEAVE = "leave"


@dataclass(frozen=True)
class Seen:
    """All that a guest's page tells.

    Attributes:
        offer: what can be accepted now.
        location: where the entry waits; None of an event instance, or when it is gone.
        instance: the event instance that it waits for; None of a location, or when it is gone.
        booking: what the entry has become.
    """

    placed: Placed
    offer: Offer | None
    location: Location | None
    instance: EventInstance | None
    booking: Booking | None


class Guests:
    """Those who wait, by their links."""

    def __init__(self, tools: Tools, entries: Entries, converting: Converting, ending: Ending) -> None:
        self._use = tools
        self._entries = entries
        self._converting = converting
        self._ending = ending
        self._telling = Telling(tools.booking)

    def entry_of(self, token: str) -> str | None:
        """Tell of which entry a link is, whether or not its time is over; None where it is none."""
        claim = self._use.claims.read(token)
        return None if claim is None else claim.entry_id

    async def look(self, token: str) -> Seen | None:
        """Tell a guest how things stand; None where the link is none.

        Raises:
            LinkOverError: its time is over.
            NotFoundError: there is no such entry.
            UnavailableError: booking does not answer.
        """
        who = self._guest(token)
        if who is None:
            return None
        actor, entry_id = who
        async with self._use.database.snapshot() as conn:
            placed = await show(conn, actor, entry_id)
            offer = await offers.open_of(conn, actor.org_id, entry_id)
        told = await self._telling.of_place(placed.entry)
        live = offer if offer is not None and offer.is_live(self._use.clock()) else None
        return Seen(placed, live, told.location, told.instance, await self._booking(placed.entry))

    async def act(self, token: str, deed: Deed, offer_id: str | None, origin: Origin) -> bool:
        """Do what a guest asks for, about the offer that was seen; done again, it changes nothing more.

        Returns:
            False where the link is none.

        Raises:
            LinkOverError: its time is over.
            WaitlistError: as the use cases say.
        """
        who = self._guest(token)
        if who is None:
            return False
        actor, entry_id = who
        match deed:
            case Deed.ACCEPT:
                await self._converting.convert(actor, entry_id, Wanted(offer_id=offer_id), origin, None)
            case Deed.DECLINE:
                await self._ending.decline(actor, entry_id, origin, None, offer_id=offer_id)
            case Deed.LEAVE:
                await self._entries.remove(actor, entry_id, None, origin)
            case _:
                assert_never(deed)
        return True

    def _guest(self, token: str) -> tuple[Actor, str] | None:
        """Tell who comes with a link, and of which entry it is: it alone is in reach, whoever its client is."""
        claim = self._use.claims.read(token)
        if claim is None:
            return None
        if claim.until <= self._use.clock():
            raise LinkOverError
        return Actor(claim.org_id, "client"), claim.entry_id

    async def _booking(self, entry: Entry) -> Booking | None:
        if entry.booking_id is None:
            return None
        return await self._use.booking.booking(entry.org_id, entry.booking_id)
