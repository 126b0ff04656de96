"""Making offers: written down first, then held at booking, then live and told.

Invariant: between any two steps what is to be done next can be told from what is stored; booking is asked outside any
transaction, under the offer's id.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial

from chassis.idempotency import Once
from chassis.origin import Origin
from chassis.postgres import Connection
from chassis.unit import Unit
from waitlist.client.taking import Refused
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry
from waitlist.domain.errors import UnavailableError
from waitlist.domain.happening import Notified
from waitlist.domain.offer import LEASE, Held, Offer, OfferState, answered, hold_minutes, late, moved
from waitlist.domain.policy import AfterExpiry, Policy
from waitlist.domain.status import Status
from waitlist.domain.times import DAY
from waitlist.domain.visits import Facts, Place, Spots
from waitlist.service.ending import Ending
from waitlist.service.finding import own
from waitlist.service.tools import Tools
from waitlist.store import offers

_LOOK_SECONDS = 0.05


class Offering:
    """Makes offers."""

    def __init__(self, tools: Tools, ending: Ending) -> None:
        self._use = tools
        self._ending = ending
        self._new_id = partial(tools.ids.new, "wlo")

    async def request(
        self,
        conn: Connection,
        entry: Entry,
        place: Place,
        facts: Facts,
        policy: Policy,
        *,
        held: bool = True,
        round_id: str | None,
        actor: Actor,
        origin: Origin,
        once: Once | None = None,
        now: datetime,
    ) -> Offer:
        """Write down what an entry is going to be offered. The caller holds the locks of its queue and of its row.

        Args:
            conn: the caller's transaction.
            entry: who is offered it.
            place: what.
            facts: what booking told of it.
            policy: that of the place.
            held: whether it is held for the entry alone.
            round_id: the round that the place is in; None if it begins with this offer.
            actor: who makes the offer.
            origin: what its event is tied to.
            once: the Idempotency-Key with which it is asked for.
            now: the current instant.
        """
        offer_id = self._new_id()
        expires_at = policy.deadline(now, place.start, facts.timezone).replace(microsecond=0)
        offer = Offer(
            id=offer_id,
            org_id=entry.org_id,
            entry_id=entry.id,
            queue=entry.queue,
            round=round_id or offer_id,
            held=held,
            start_time=place.start,
            end_time=place.end,
            party_size=entry.party_size,
            title=facts.instance.title if isinstance(facts, Spots) else None,
            hold_minutes=hold_minutes(now, expires_at),
            leaves=policy.after_expiry is AfterExpiry.LEAVE,
            state=OfferState.REQUESTED,
            expires_at=expires_at,
            made_by="staff" if actor.name == "staff" else "system",
            request_id=origin.request_id,
            traceparent=origin.traceparent,
            leased_until=now + LEASE,
            once_scope=None if once is None else once.scope,
            once_fingerprint=None if once is None else once.fingerprint,
        )
        await offers.insert(conn, offer)
        return offer

    async def carry_out(self, offer: Offer) -> Offer | Refused:
        """Hold what was written down, and tell the guest; the caller has the offer in hand.

        Returns:
            The offer, live, or withdrawn as nobody asks for it any more; or why booking would not hold it.

        Raises:
            UnavailableError: nobody knows whether it is held; whoever carries it out again finds out.
        """
        try:
            answer = await self._use.taking.hold(offer)
        except UnavailableError:
            async with self._use.database.connection() as conn:
                await offers.let_go(conn, offer, self._use.clock())
            raise
        async with self._use.units.begin() as unit:
            entry = await own(unit.conn, offer.org_id, offer.entry_id)
            stored = await offers.fetch(unit.conn, offer.org_id, offer.id)
            done = await self._settle(unit, stored, entry, answer)
        if done.hold_open and done.state is not OfferState.LIVE:
            await self._ending.release_soon(offer.org_id, offer.queue)
        return answer if isinstance(answer, Refused) else done

    async def resume(self, offer: Offer) -> bool:
        """Carry out what somebody began, if it is in nobody's hands; tell whether it was.

        Raises:
            UnavailableError: as `carry_out` says.
        """
        now = self._use.clock()
        async with self._use.database.connection() as conn:
            taken = await offers.lease(conn, offer, now=now, until=now + LEASE)
        if taken:
            await self.carry_out(offer)
        return taken

    async def finish(self, offer: Offer) -> None:
        """Wait until it is known what becomes of a requested offer; go on with it when it is in nobody's hands.

        Raises:
            UnavailableError: booking does not answer, or others have it in hand for too long.
        """
        for _ in range(int(LEASE.total_seconds() / _LOOK_SECONDS)):
            async with self._use.database.connection() as conn:
                stored = await offers.fetch(conn, offer.org_id, offer.id)
            if stored.state is not OfferState.REQUESTED or await self.resume(stored):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise UnavailableError("others have the entry in hand; try again")

    async def tell(self, unit: Unit, entry: Entry, offer: Offer, *, now: datetime) -> Offer:
        """Make a requested offer live, and tell the guest. The caller holds the lock of the entry."""
        live = offer if offer.state is OfferState.LIVE else moved(offer, OfferState.LIVE)
        live = replace(live, attempt=await offers.count_of(unit.conn, entry.org_id, entry.id) + 1)
        await offers.update(unit.conn, live)
        told = Notified(live, self._use.claims.url(entry, live.end_time + DAY))
        notified = replace(entry, status=Status.NOTIFIED)
        maker, origin = Actor(entry.org_id, live.made_by), Origin(live.request_id, live.traceparent)
        await self._use.recording.write(unit, told, notified, maker, origin, now=now)
        return live

    async def _settle(self, unit: Unit, stored: Offer, entry: Entry, answer: Held | Refused) -> Offer:
        now = self._use.clock()
        if stored.state is not OfferState.REQUESTED:
            done = stored if isinstance(answer, Refused) else late(stored, answer)
        elif isinstance(answer, Refused):
            done = moved(stored, OfferState.FAILED)
        else:
            done = answered(stored, entry, answer, now)
            if done.state is OfferState.LIVE:
                return await self.tell(unit, entry, done, now=now)
        await offers.update(unit.conn, done)
        if done.state is OfferState.WITHDRAWN:
            await self._use.mark(unit.conn, entry.org_id, entry.queue)
        return done
