"""An evening at a restaurant with a waitlist: guests come and go at random, and what must hold is looked at.

Invariant: it is looked at with booking's own answers and with what the database holds, never with the rules themselves.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from support.booking_service import SOON, text
from support.waitlist_desk import Bistro, Desk, StoppedError, held
from waitlist.domain.errors import WaitlistError
from waitlist.domain.offer import Offer, OfferState
from waitlist.domain.passing import EXPIRIES_IN_A_ROW
from waitlist.store.offers import fetch
from waitlist.store.queues import lock

VISIT = timedelta(minutes=90)
SITTINGS = (SOON, SOON + timedelta(hours=3))
STOPS = (("hold", True), ("hold", False), ("book", True), ("book", False), ("release", True), ("release", False))
KINDS = (
    *("join", "join", "free", "free", "take", "match", "match"),
    *("accept", "accept", "decline", "leave", "change", "wait"),
)
DEEDS = frozenset({"accept", "decline", "leave", "change"})


@dataclass(frozen=True)
class Guests:
    """An entry, as it joined."""

    entry_id: str
    party_size: int
    sitting: datetime


@dataclass
class Evening:
    """What has happened so far.

    Attributes:
        joined: the entries in turn.
        known: the offers that were there when an entry joined or was changed, entry by entry.
        freed: the offers that were there before something fell free, sitting by sitting.
        sittings: the sittings of the bookings that can be given up.
        over: the entries that wait no more, and what they were told to be then.
    """

    desk: Desk
    bistro: Bistro
    way: str
    random: Random
    joined: list[Guests] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=dict)
    freed: dict[datetime, set[str]] = field(default_factory=dict)
    sittings: dict[str, datetime] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    over: dict[str, str] = field(default_factory=dict)

    async def step(self) -> None:
        """Let something happen, or several things at once; the process may stop in between."""
        if self.random.random() < 0.4:
            self.desk.taking.at = self.random.choice(STOPS)
        if self.random.random() < 0.3:  # or while booking tells what is free
            self.desk.taking.meanwhile = lambda: self._survive(self._meanwhile())
        held = [offer.entry_id for offer in await self._offers() if offer.state is OfferState.REQUESTED]
        if held and self.random.random() < 0.8:  # for whom a place is being held right now may change their minds
            await self._survive(self._deed(self.random.choice(("leave", "change")), held[0]))
        count = self.random.choice((1, 1, 1, 3))
        await asyncio.gather(*(self._survive(self._something()) for _ in range(count)))
        if self.random.random() < 0.3:
            await self.settle()

    async def settle(self) -> None:
        """Let whoever was stopped be gone, match the queue, and look at all that must hold."""
        self.desk.taking.at = self.desk.taking.meanwhile = None
        self.desk.watch.turn(seconds=21)
        await self.desk.match(self.bistro.queue)
        offers = await self._offers()
        live = [offer for offer in offers if offer.state is OfferState.LIVE]
        assert all(offer.expires_at > self.desk.watch() for offer in live)
        assert len({offer.entry_id for offer in live}) == len(live)
        if self.way != "notify_all":
            _check_apart(live)
            assert sorted(str(offer.hold_id) for offer in live) == await held(self.desk)
        else:
            assert await held(self.desk) == []
        self.joined = [await self._as_it_is(guests) for guests in self.joined]
        statuses = {guests.entry_id: await self.desk.status(guests.entry_id) for guests in self.joined}
        assert self.over.items() <= statuses.items(), self.over  # who is off the waitlist never is on it again
        self.over |= {entry: status for entry, status in statuses.items() if status not in {"waiting", "notified"}}
        sizes = {guests.entry_id: guests.party_size for guests in self.joined}
        assert all(offer.party_size == sizes[offer.entry_id] for offer in live)
        assert {entry for entry, status in statuses.items() if status == "notified"} == {one.entry_id for one in live}
        waiting = [guests for guests in self.joined if statuses[guests.entry_id] == "waiting"]
        self._check_turns(waiting, offers)
        await self._check_nobody_is_stranded(waiting, live, offers)
        await self._check_bookings(statuses)

    async def _survive(self, happening: Awaitable[Any]) -> None:
        with contextlib.suppress(WaitlistError, StoppedError):  # it is looked at when all has settled
            await happening

    def _something(self) -> Awaitable[Any]:
        kind = self.random.choice(KINDS)
        if kind in DEEDS and self.joined:
            return self._deed(kind, self.random.choice(self.joined).entry_id)
        if kind == "free" and self.bistro.bookings:
            return self._falls_free(self.bistro.bookings.pop())
        if kind == "take":
            return self._walk_in()
        if kind == "wait":
            self.desk.watch.turn(minutes=self.random.choice((1, 7, 16, 120)))
        return self.desk.match(self.bistro.queue) if kind in {"match", "wait"} else self._join()

    async def _deed(self, kind: str, entry_id: str) -> None:
        match kind:
            case "accept":
                await self.desk.convert(entry_id)
                self.over[entry_id] = "converted"
            case "leave":
                await self.desk.remove(entry_id)
                self.over[entry_id] = "removed"
            case "change":
                await self.desk.change(entry_id, party_size=self.random.randint(1, 4))
                self.known[entry_id] = await self._offers_by_now()
            case _:
                await self.desk.decline(entry_id)

    def _meanwhile(self) -> Awaitable[Any]:
        if self.joined and self.random.random() < 0.5:
            return self._deed("change", self.random.choice(self.joined).entry_id)
        return self._join()

    async def _falls_free(self, booking_id: str) -> None:
        """Have a booking cancelled, and the waitlist hear of it."""
        sitting = self.sittings[booking_id]
        self.freed[sitting] = {offer.id for offer in await self._offers()}
        self.bistro.bookings.append(booking_id)
        await self.bistro.falls_free()
        of = {"location_id": self.bistro.location_id, "start_time": text(sitting), "end_time": text(sitting + VISIT)}
        await self.desk.hear("reservation.cancelled", schedule_id=None, **of)

    async def _offers_by_now(self) -> set[str]:
        """Tell which offers there are when whoever decides on one right now has done so."""
        async with self.desk.database.transaction() as conn:
            await lock(conn, self.desk.org_id, self.bistro.queue)
        return {offer.id for offer in await self._offers()}

    async def _as_it_is(self, guests: Guests) -> Guests:
        entry = (await self.desk.use.entries.get(self.desk.actor, guests.entry_id)).entry
        return replace(guests, party_size=entry.party_size)

    async def _join(self) -> None:
        party_size, sitting = self.random.randint(1, 4), self.random.choice(SITTINGS)
        window = {"preferredStartTime": text(sitting), "preferredEndTime": text(sitting + VISIT)}
        priority = self.random.choice((0, 0, 0, 1))
        entry = await self.bistro.joins(partySize=party_size, priority=priority, **window)
        self.known[entry["id"]] = await self._offers_by_now()
        self.joined.append(Guests(entry["id"], party_size, sitting))
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch(
                "SELECT id FROM entries WHERE org_id = $1 ORDER BY -priority, joined_at, id", self.desk.org_id
            )
        turn = [row["id"] for row in rows]
        self.joined.sort(key=lambda guests: turn.index(guests.entry_id))

    async def _walk_in(self) -> None:
        at = self.random.choice(SITTINGS)
        answer = await self.desk.staff.booking.book(
            at=at, minutes=90, location_id=self.bistro.location_id, party_size=self.random.randint(1, 4)
        )
        if answer.status == 201:
            self.sittings[answer.data["id"]] = at
            self.bistro.bookings.append(answer.data["id"])

    async def _offers(self) -> list[Offer]:
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch("SELECT id FROM offers WHERE org_id = $1 ORDER BY id", self.desk.org_id)
            return [await fetch(conn, self.desk.org_id, row["id"]) for row in rows]

    def _check_turns(self, waiting: Sequence[Guests], offers: Sequence[Offer]) -> None:
        """Nobody was asked before somebody ahead who needed no more then and has never been asked for the same."""
        asked = {(offer.entry_id, offer.start_time) for offer in offers if offer.attempt}
        places = {guests.entry_id: place for place, guests in enumerate(self.joined)}
        by_id = {guests.entry_id: guests for guests in self.joined}
        for offer in offers:
            if offer.id in self.seen or offer.state is not OfferState.LIVE:
                continue
            self.seen.add(offer.id)
            behind = by_id[offer.entry_id]
            for ahead in waiting:
                if places[ahead.entry_id] < places[behind.entry_id] and ahead.sitting == behind.sitting:
                    needs_more = ahead.party_size > offer.party_size or offer.id in self.known[ahead.entry_id]
                    assert needs_more or (ahead.entry_id, ahead.sitting) in asked, (ahead, behind)

    async def _check_nobody_is_stranded(
        self, waiting: Sequence[Guests], live: Sequence[Offer], offers: Sequence[Offer]
    ) -> None:
        told = {offer.start_time for offer in live if not offer.held}
        for offer in live:
            guests = next(one for one in self.joined if one.entry_id == offer.entry_id)
            assert offer.held or await self._is_free(guests), offer  # nobody is left with word of what is taken
        for guests in waiting:
            free = not self._let_it_go(guests, offers) and await self._is_free(guests)
            if self.way == "strict":
                assert not free or guests is not waiting[0], guests
            else:
                assert not free or guests.sitting in told, guests

    def _let_it_go(self, guests: Guests, offers: Sequence[Offer]) -> bool:
        """Tell whether somebody declined a sitting, or let it expire often, since something fell free there."""
        before = self.freed.get(guests.sitting, set())
        theirs = [one for one in offers if (one.entry_id, one.start_time) == (guests.entry_id, guests.sitting)]
        states = [one.state for one in theirs if one.id not in before]
        return OfferState.DECLINED in states or states.count(OfferState.EXPIRED) >= EXPIRIES_IN_A_ROW

    async def _is_free(self, guests: Guests) -> bool:
        query = (
            f"location_id={self.bistro.location_id}&party_size={guests.party_size}&duration_minutes=90"
            f"&interval_minutes=15&from={text(guests.sitting)}&to={text(guests.sitting + timedelta(minutes=1))}"
        )
        return bool((await self.desk.staff.booking.get(f"/api/v1/availability?{query}")).data)

    async def _check_bookings(self, statuses: dict[str, str]) -> None:
        """Who was converted has just one booking, and nobody else has any."""
        listed = await self.desk.staff.booking.get("/api/v1/bookings?limit=200")
        from_here = [one["id"] for one in listed.data if one["source"] == "waitlist"]
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch(
                "SELECT booking_id FROM entries WHERE org_id = $1 AND booking_id IS NOT NULL", self.desk.org_id
            )
        assert sorted(row["booking_id"] for row in rows) == sorted(from_here)
        assert len(from_here) == list(statuses.values()).count("converted")


def _check_apart(live: Sequence[Offer]) -> None:
    taken = [(table_id, offer.start_time) for offer in live for table_id in offer.table_ids]
    assert len(set(taken)) == len(taken)


async def an_evening(desk: Desk, way: str, seed: int) -> Evening:
    """Open a restaurant in which all is taken."""
    bistro = await Bistro.of(desk.staff, tables=2)
    sittings = dict.fromkeys(bistro.bookings, SOON)
    await desk.staff.booking.table(bistro.location_id, 4)
    for sitting in SITTINGS:
        for party_size in (2, 2, 4):
            booked = await desk.staff.booking.book(
                at=sitting, minutes=90, location_id=bistro.location_id, party_size=party_size
            )
            if booked.status == 201:
                sittings[booked.data["id"]] = sitting
                bistro.bookings.append(booked.data["id"])
    way_and_order = {"policy": "offer_one" if way == "strict" else way, "strictOrder": way == "strict"}
    await bistro.policy(**way_and_order)
    return Evening(desk, bistro, way, Random(seed), sittings=sittings)
