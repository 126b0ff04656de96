"""What must hold of a waitlist whenever all has settled, whatever happened before.

Invariant: it is looked at with booking's own answers and with what the database holds, never with the rules themselves.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from support.waitlist_desk import Desk, held
from support.waitlist_venues import Restaurant, Venue
from waitlist.domain.choosing import Reason
from waitlist.domain.explaining import Also
from waitlist.domain.offer import Offer, OfferState
from waitlist.domain.passing import EXPIRIES_IN_A_ROW
from waitlist.store.offers import fetch

NOTHING = frozenset({Reason.NOTHING_FREE, Reason.TOO_FEW_SPOTS})
LET_PASS = frozenset({OfferState.DECLINED, OfferState.EXPIRED})


@dataclass(frozen=True)
class Guests:
    """An entry, as it joined."""

    entry_id: str
    party_size: int
    sitting: datetime


@dataclass(frozen=True)
class Given:
    """What an entry was offered, or what was booked for it; in the order of their ids."""

    id: str
    entry_id: str
    party_size: int
    start_time: datetime
    table_ids: Sequence[str]


@dataclass
class Witness:
    """What was seen so far.

    Attributes:
        joined: the entries in turn.
        seen: the offers that were looked at.
        over: the entries that wait no more, and what they were told to be then.
        settled: the entries that have not changed since all was looked at.
        reopened: the offers that were there before something fell free there, or before their entry was changed.
        told_over: the entries that were told why they wait no more.
    """

    desk: Desk
    venue: Venue
    way: str
    joined: list[Guests] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    over: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    reopened: set[str] = field(default_factory=set)
    told_over: set[str] = field(default_factory=set)

    async def offers(self) -> list[Offer]:
        """Read all offers, the oldest first."""
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch("SELECT id FROM offers WHERE org_id = $1 ORDER BY id", self.desk.org_id)
            return [await fetch(conn, self.desk.org_id, row["id"]) for row in rows]

    async def begun(self) -> set[str]:
        """Read what was begun before a match: the offers, and the entries that are or are becoming bookings."""
        return {offer.id for offer in await self.offers()} | await self._converting()

    async def look(self, begun: AbstractSet[str]) -> None:
        """Look at all that must hold behind a match that was alone at it.

        Args:
            begun: what was begun before that.
        """
        offers = await self.offers()
        live = [offer for offer in offers if offer.state is OfferState.LIVE]
        self.joined = await self._as_they_are()
        statuses = {guests.entry_id: await self.desk.status(guests.entry_id) for guests in self.joined}
        booked = {entry for entry, status in statuses.items() if status == "converted"} - begun
        self._check_live(live, statuses, await held(self.desk))
        self._check_over(statuses)
        waiting = [guests for guests in self.joined if statuses[guests.entry_id] == "waiting"]
        free = {
            one: await self.venue.is_free(*one) for one in {(each.party_size, each.sitting) for each in self.joined}
        }
        new = [_given(offer) for offer in live if offer.id not in begun]
        self._check_turns(waiting, offers)
        self._check_order(new or await self._booked(booked), waiting, offers, free)
        self._check_nobody_is_stranded(waiting, offers, free)
        await self._check_told_why(statuses, free)
        await self._check_bookings(statuses)
        self.settled = set(statuses)

    async def _as_they_are(self) -> list[Guests]:
        """Read all who joined, in turn."""
        read = "SELECT id, party_size FROM entries WHERE org_id = $1 ORDER BY priority DESC, joined_at, id"
        by_id = {guests.entry_id: guests for guests in self.joined}
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch(read, self.desk.org_id)
        return [replace(by_id[row["id"]], party_size=row["party_size"]) for row in rows]

    async def _converting(self) -> set[str]:
        """Read for which entries booking has been asked or has booked."""
        read = """
        SELECT entry_id FROM conversions WHERE org_id = $1
        UNION SELECT id FROM entries WHERE org_id = $1 AND status = 'converted'
        """
        async with self.desk.database.connection() as conn:
            return {row["entry_id"] for row in await conn.fetch(read, self.desk.org_id)}

    async def _booked(self, entry_ids: set[str]) -> list[Given]:
        """Read what was booked for some entries, in the order in which it was."""
        found = []
        for guests in self.joined:
            if guests.entry_id in entry_ids:
                entry = (await self.desk.use.entries.get(self.desk.actor, guests.entry_id)).entry
                booked = (await self.desk.staff.booking.get(f"/api/v1/bookings/{entry.booking_id}")).data
                table_ids = booked.get("table_ids") or ()
                found.append(Given(booked["id"], guests.entry_id, guests.party_size, guests.sitting, table_ids))
        return sorted(found, key=lambda one: one.id)

    def _check_live(self, live: Sequence[Offer], statuses: Mapping[str, str], holds: Sequence[str]) -> None:
        """A live offer is one of an entry that was told of it, of all that it asks for, and has a hold to itself."""
        sizes = {guests.entry_id: guests.party_size for guests in self.joined}
        assert all(offer.expires_at > self.desk.watch() for offer in live)
        assert all(offer.party_size == sizes[offer.entry_id] for offer in live)
        assert len({offer.entry_id for offer in live}) == len(live)
        assert {entry for entry, status in statuses.items() if status == "notified"} == {one.entry_id for one in live}
        if self.way == "notify_all":
            assert holds == []
        else:
            taken = [(table_id, offer.start_time) for offer in live for table_id in offer.table_ids]
            assert len(set(taken)) == len(taken)
            assert sorted(str(offer.hold_id) for offer in live) == holds

    def _check_over(self, statuses: Mapping[str, str]) -> None:
        """Who is off the waitlist never is on it again."""
        assert self.over.items() <= statuses.items(), self.over
        self.over |= {entry: status for entry, status in statuses.items() if status not in {"waiting", "notified"}}

    def _check_turns(self, waiting: Sequence[Guests], offers: Sequence[Offer]) -> None:
        """Whoever matched, nobody was asked before somebody ahead who needs no more and was never asked."""
        asked = {(offer.entry_id, offer.start_time) for offer in offers if offer.attempt}
        by_id = {guests.entry_id: guests for guests in self.joined}
        for offer in offers:
            if offer.id in self.seen or offer.state is not OfferState.LIVE:
                continue
            self.seen.add(offer.id)
            for ahead in self._ahead(waiting, offer.entry_id):
                fits = ahead.sitting == offer.start_time and ahead.party_size <= offer.party_size
                if fits and ahead.entry_id in self.settled:
                    assert (ahead.entry_id, ahead.sitting) in asked, (ahead, by_id[offer.entry_id])

    def _check_order(
        self,
        given: Sequence[Given],
        waiting: Sequence[Guests],
        offers: Sequence[Offer],
        free: Mapping[tuple[int, datetime], bool],
    ) -> None:
        """Of what a match gave that was alone at it, nothing was for somebody ahead to have.

        Whoever is ahead and could have had it has let it pass more often than who got it; in strict order, whoever is
        ahead could have had something, and has let that pass.
        """
        for number, one in enumerate(given):
            for ahead in self._ahead(waiting, one.entry_id):
                theirs = _let_pass(ahead.entry_id, ahead.sitting, offers, one.id)
                if self._suits(one, ahead):
                    own = _let_pass(one.entry_id, one.start_time, offers, one.id)
                    assert self._is_for_good(theirs) or len(theirs) > len(own), (ahead, one)
                elif self.way == "strict":
                    left = free[ahead.party_size, ahead.sitting]
                    assert left or any(self._suits(other, ahead) for other in given[number:]), (ahead, one)
                    assert theirs, (ahead, one)

    def _ahead(self, waiting: Sequence[Guests], entry_id: str) -> list[Guests]:
        turn = [guests.entry_id for guests in self.joined]
        return [guests for guests in waiting if turn.index(guests.entry_id) < turn.index(entry_id)]

    def _suits(self, given: Given, guests: Guests) -> bool:
        if given.start_time != guests.sitting:
            return False
        if isinstance(self.venue, Restaurant) and given.table_ids:
            return self.venue.seat(given.table_ids, guests.party_size)
        return guests.party_size <= given.party_size

    def _check_nobody_is_stranded(
        self, waiting: Sequence[Guests], offers: Sequence[Offer], free: Mapping[tuple[int, datetime], bool]
    ) -> None:
        """What is free fits nobody who has not let it pass; in strict order, not whoever is next."""
        told = {offer.start_time for offer in offers if offer.state is OfferState.LIVE and not offer.held}
        for offer in offers:  # nobody is left with word of what is taken
            if offer.state is OfferState.LIVE and not offer.held:
                assert free[offer.party_size, offer.start_time], offer
        for guests in waiting:
            is_free = free[guests.party_size, guests.sitting]
            if is_free and self._is_for_good(_let_pass(guests.entry_id, guests.sitting, offers)):
                continue
            assert not is_free or guests.sitting in told, guests
            if self.way == "strict":
                break

    def _is_for_good(self, passed: Sequence[Offer]) -> bool:
        """Tell whether an entry may not be asked again for what it let pass, until something falls free there."""
        kept = [offer for offer in passed if offer.id not in self.reopened]
        return len(kept) >= EXPIRIES_IN_A_ROW or any(offer.state is OfferState.DECLINED for offer in kept)

    async def _check_told_why(self, statuses: Mapping[str, str], free: Mapping[tuple[int, datetime], bool]) -> None:
        """Everybody is told why they are offered nothing, and that nothing is free just where booking says so."""
        for guests in self.joined:
            if guests.entry_id in self.told_over:
                continue
            explained = await self.desk.use.explaining.explain(self.desk.actor, guests.entry_id)
            codes = [one.code for one in explained.because]
            assert codes
            assert all(one.sentence and one.rule and one.remedy for one in explained.because)
            match statuses[guests.entry_id]:
                case "waiting":
                    is_free = free[guests.party_size, guests.sitting]
                    assert not {Also.ITS_TURN, Also.OFFER_OVER} & set(codes), (guests, codes)
                    assert (codes[0] in NOTHING) == (not is_free), (guests, codes)
                case "notified":
                    assert codes == [Reason.ASKED]
                case status:
                    assert codes == [status]
                    self.told_over.add(guests.entry_id)

    async def _check_bookings(self, statuses: Mapping[str, str]) -> None:
        """Who was converted has just one booking, and nobody else has any."""
        listed = await self.desk.staff.booking.get("/api/v1/bookings?limit=200")
        from_here = [one["id"] for one in listed.data if one["source"] == "waitlist"]
        async with self.desk.database.connection() as conn:
            rows = await conn.fetch(
                "SELECT booking_id FROM entries WHERE org_id = $1 AND booking_id IS NOT NULL", self.desk.org_id
            )
        assert sorted(row["booking_id"] for row in rows) == sorted(from_here)
        assert len(from_here) == list(statuses.values()).count("converted")


def _given(offer: Offer) -> Given:
    return Given(offer.id, offer.entry_id, offer.party_size, offer.start_time, offer.table_ids)


def _let_pass(entry_id: str, start: datetime, offers: Sequence[Offer], before: str = "~") -> list[Offer]:
    """Find what an entry had let pass before another offer, as long as nobody else had it since."""
    earlier = [offer for offer in offers if offer.id < before and offer.start_time == start]
    passed = [offer for offer in earlier if offer.entry_id == entry_id and offer.state in LET_PASS]
    return [one for one in passed if not any(_has(other, one) for other in earlier)]


def _has(other: Offer, passed: Offer) -> bool:
    """Tell whether somebody has or holds by now what was let pass."""
    if other.state is not OfferState.ACCEPTED and not (other.held and other.state is OfferState.LIVE):
        return False
    if not passed.table_ids:
        return other.round == passed.round
    return other.id > passed.id and bool(set(other.table_ids) & set(passed.table_ids))
