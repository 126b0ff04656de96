"""An evening of a place with a waitlist: guests come and go at random, and what must hold is looked at.

Invariant: whatever happens is done as guests, staff and booking do it; what must hold is the witness's to tell.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from support.waitlist_desk import Desk, StoppedError
from support.waitlist_venues import VISIT, Restaurant, Venue
from support.waitlist_witness import Guests, Witness
from waitlist.domain.errors import WaitlistError
from waitlist.domain.offer import OfferState

STOPS = (("hold", True), ("hold", False), ("book", True), ("book", False), ("release", True), ("release", False))
KINDS = (
    *("join", "join", "free", "free", "take", "match", "wait", "wait"),
    *("accept", "accept", "decline", "decline", "leave", "change"),
)
ANSWERS = frozenset({"accept", "decline"})
DEEDS = ANSWERS | {"leave", "change"}


@dataclass
class Evening:
    """What has happened so far.

    Attributes:
        leaves: whether who lets an offer pass waits no more.
        happened: how often which deed was done, and how many offers ended how.
        witness: looks at what must hold, and is told what nobody can see.
        bag: what is still to happen, before it all begins again.
    """

    desk: Desk
    venue: Venue
    way: str
    leaves: bool
    random: Random
    happened: Counter[str]
    witness: Witness
    bag: list[str] = field(default_factory=list)

    async def step(self) -> None:
        """Let something happen, or several things at once; the process may stop in between."""
        if self.random.random() < 0.4:
            self.desk.taking.at = self.random.choice(STOPS)
        if self.random.random() < 0.3:  # or while booking tells what is free
            self.desk.taking.meanwhile = self._meanwhile
        offers = await self.witness.offers()
        held = [offer.entry_id for offer in offers if offer.state is OfferState.REQUESTED]
        if held and self.random.random() < 0.8:  # for whom a place is being held right now may change their minds
            kind = self.random.choice(("leave", "change"))
            await self._survive(kind, self._deed(kind, held[0]))
        notified = [offer.entry_id for offer in offers if offer.state is OfferState.LIVE]
        count = self.random.choice((1, 1, 1, 3))
        await asyncio.gather(*(self._something(notified) for _ in range(count)))
        if self.random.random() < 0.4:
            await self.settle()

    async def settle(self) -> None:
        """Let whoever was stopped be gone, match the queue, and look at all that must hold."""
        self.desk.taking.at = self.desk.taking.meanwhile = None
        self.desk.watch.turn(seconds=21)
        begun = await self.witness.begun()
        await self.desk.match(self.venue.queue)
        await self.witness.look(begun)

    async def close(self) -> None:
        """End it, and count how its offers ended."""
        await self.settle()
        self.happened.update(offer.state.value for offer in await self.witness.offers())

    async def _survive(self, kind: str, happening: Awaitable[Any]) -> None:
        try:
            done = await happening
        except (WaitlistError, StoppedError):
            return  # it is looked at when all has settled
        if done is not False:
            self.happened[kind] += 1

    def _something(self, notified: Sequence[str]) -> Awaitable[None]:
        kind = self._next(notified)
        if kind in DEEDS and self.witness.joined:
            return self._survive(kind, self._deed(kind, self._whose(kind, notified)))
        if kind == "free" and self.venue.bookings:
            booking_id = self.venue.bookings.pop(self.random.randrange(len(self.venue.bookings)))
            return self._survive(kind, self._falls_free(booking_id))
        if kind == "take":
            sitting = self.random.choice(self.venue.sittings)
            return self._survive(kind, self.venue.walks_in(self.random.randint(1, 4), sitting))
        if kind == "wait":
            self.desk.watch.turn(minutes=self.random.choice((1, 16, 250, 250)))
        if kind in {"match", "wait"}:
            return self._survive(kind, self.desk.match(self.venue.queue))
        return self._survive("join", self.join())

    def _meanwhile(self) -> Awaitable[None]:
        if self.witness.joined and self.random.random() < 0.5:
            return self._survive("change", self._deed("change", self.random.choice(self.witness.joined).entry_id))
        return self._survive("join", self.join())

    async def _falls_free(self, booking_id: str) -> None:
        """Have a booking cancelled, and the waitlist hear of it."""
        start = await self.venue.cancels(booking_id)
        self.witness.reopened |= {offer.id for offer in await self.witness.offers() if offer.start_time == start}
        await self.desk.hear("reservation.cancelled", **self.venue.taken(start))

    def _next(self, notified: Sequence[str]) -> str:
        """Draw what happens; answers wait until somebody has an offer, for which something falls free meanwhile."""
        if not self.bag:
            self.bag = self.random.sample(KINDS, len(KINDS))
        kind = self.bag.pop()
        if kind in ANSWERS and not notified and self.way != "auto_convert" and self.venue.bookings:
            self.bag.insert(0, kind)
            return "free"
        return kind

    def _whose(self, kind: str, notified: Sequence[str]) -> str:
        """Choose who does something: mostly somebody who can."""
        everybody = [guests.entry_id for guests in self.witness.joined]
        able = notified if kind in ANSWERS else [one for one in everybody if one not in self.witness.over]
        return self.random.choice(able if able and self.random.random() < 0.9 else everybody)

    async def _deed(self, kind: str, entry_id: str) -> None:
        match kind:
            case "accept":
                await self.desk.convert(entry_id, **self._wanted(entry_id))
                self.witness.over[entry_id] = "converted"
            case "leave":
                await self.desk.remove(entry_id)
                self.witness.over[entry_id] = "removed"
            case "change":
                await self._change(entry_id, self.random.randint(1, 4))
            case _:
                await self.desk.decline(entry_id)
                if self.leaves:
                    self.witness.over[entry_id] = "expired"

    async def _change(self, entry_id: str, party_size: int) -> None:
        entry = (await self.desk.use.entries.get(self.desk.actor, entry_id)).entry
        known = {offer.id for offer in await self.witness.offers() if offer.entry_id == entry_id}
        await self.desk.change(entry_id, party_size=party_size)
        self.witness.settled.discard(entry_id)
        if party_size != entry.party_size:
            self.witness.reopened |= known

    def _wanted(self, entry_id: str) -> dict[str, Any]:
        """Where nobody is offered anything, staff book what is free."""
        if self.way != "auto_convert" or not isinstance(self.venue, Restaurant):
            return {}
        sitting = next(guests.sitting for guests in self.witness.joined if guests.entry_id == entry_id)
        return {"start": sitting, "end": sitting + VISIT}

    async def join(self) -> bool:
        """Have somebody join, if there is something to wait for."""
        party_size, sitting = self.random.randint(1, 4), self.random.choice(self.venue.sittings)
        priority = self.random.choice((0, 0, 0, 1))
        entry_id = await self.venue.joins(party_size, sitting, priority)
        if entry_id is not None:
            self.witness.joined.append(Guests(entry_id, party_size, sitting))
        return entry_id is not None


async def an_evening(desk: Desk, venue: Venue, way: str, *, leaves: bool, seed: int, happened: Counter[str]) -> Evening:
    """Begin it, where all is taken and some wait."""
    await venue.policy(
        policy="offer_one" if way == "strict" else way,
        strictOrder=way == "strict",
        afterExpiry="leave" if leaves else "stay",
    )
    evening = Evening(desk, venue, way, leaves, Random(seed), happened, Witness(desk, venue, way))
    for _ in range(4):
        await evening.join()
    return evening
