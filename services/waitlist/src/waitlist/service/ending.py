"""How offers end without a booking, and how their holds are given back.

Invariant: an offer ends in one transaction with what becomes of its entry. Its hold is given back after the commit, and
until that is known to be done it stays written down that it has to be.
"""

import contextlib
from dataclasses import replace
from datetime import datetime

from chassis.idempotency import Once
from chassis.origin import Origin
from chassis.unit import Unit
from slotwire_contracts import RemovalReason
from waitlist.domain.actors import Actor
from waitlist.domain.conversion import gone
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.errors import UnavailableError
from waitlist.domain.happening import Declined, OfferExpired, Removed
from waitlist.domain.offer import Offer, OfferState, moved
from waitlist.domain.status import Status
from waitlist.service.estimating import show
from waitlist.service.finding import check_idle, find, own, system
from waitlist.service.tools import Tools
from waitlist.store import conversions, offers, queues

AT_ONCE = 100
"""How many entries of a queue one transaction changes at most."""


class Ending:
    """Ends offers."""

    def __init__(self, tools: Tools) -> None:
        self._use = tools

    async def decline(
        self, actor: Actor, entry_id: str, origin: Origin, once: Once | None, *, offer_id: str | None = None
    ) -> Placed:
        """Decline what an entry is offered; the place goes to the next.

        Args:
            actor: who declines.
            entry_id: the entry.
            origin: the request behind it.
            once: its Idempotency-Key.
            offer_id: the offer that was seen, if no other is to be declined.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            OfferGoneError: it has no live offer, or another than the one that was seen.
            InvalidTransitionError: it is becoming a booking right now.
        """
        async with self._use.units.begin(once) as unit:
            entry = (await find(unit.conn, actor, entry_id, lock=True)).entry
            await check_idle(unit.conn, entry)
            now = self._use.clock()
            offer = await offers.open_of(unit.conn, actor.org_id, entry_id)
            if offer is None or not offer.is_live(now) or offer_id not in {None, offer.id}:
                raise gone()
            await self._let_pass(unit, entry, offer, OfferState.DECLINED, actor=actor, origin=origin, now=now)
            await self._use.mark(unit.conn, entry.org_id, entry.queue)
            placed = await show(unit.conn, actor, entry_id)
            unit.answer(placed)
        await self.release_soon(actor.org_id, entry.queue)
        return placed

    async def expire(self, org_id: str, queue: str, origin: Origin) -> None:
        """End all offers of a queue that are past their deadline, so many at once."""
        while await self._expire_some(org_id, queue, origin) == AT_ONCE:
            pass

    async def _expire_some(self, org_id: str, queue: str, origin: Origin) -> int:
        """End some of them; tell how many were looked at."""
        async with self._use.units.begin() as unit:
            await queues.lock(unit.conn, org_id, queue)
            now = self._use.clock()
            overdue = await offers.overdue(unit.conn, org_id, queue, now, AT_ONCE)
            for offer in overdue:
                entry = await own(unit.conn, org_id, offer.entry_id)
                # It may have been answered while its entry was waited for.
                if offer == await offers.open_of(unit.conn, org_id, entry.id) and not await conversions.of_entry(
                    unit.conn, org_id, entry.id
                ):
                    await self._let_pass(
                        unit, entry, offer, OfferState.EXPIRED, actor=system(org_id), origin=origin, now=now
                    )
            return len(overdue)

    async def take_back(
        self, unit: Unit, entry: Entry, offer: Offer, actor: Actor, origin: Origin, *, now: datetime
    ) -> Entry:
        """End a live offer whose place is gone: the entry waits on. The caller holds its lock."""
        ended = moved(offer, OfferState.WITHDRAWN)
        await offers.update(unit.conn, ended)
        waiting = replace(entry, status=Status.WAITING)
        return await self._use.recording.write(unit, OfferExpired(ended), waiting, actor, origin, now=now)

    async def withdraw(self, unit: Unit, entry: Entry) -> None:
        """End what an entry is offered that waits no more; the caller holds its lock.

        A hold that is being asked for is given back by whoever asked for it.
        """
        offer = await offers.open_of(unit.conn, entry.org_id, entry.id)
        if offer is not None and offer.state is OfferState.LIVE:
            await offers.update(unit.conn, moved(offer, OfferState.WITHDRAWN))

    async def release(self, org_id: str, queue: str) -> None:
        """Give back the holds of offers that have ended.

        Raises:
            UnavailableError: booking does not answer; what is left is given back later.
        """
        async with self._use.database.connection() as conn:
            ended = await offers.to_release(conn, org_id, queue)
        for offer in ended:
            await self._use.taking.release(org_id, str(offer.hold_id))
            async with self._use.database.connection() as conn:
                await offers.released(conn, offer)

    async def release_soon(self, org_id: str, queue: str) -> None:
        """Give back the holds of offers that have ended; what cannot be given back now is given back by a match."""
        with contextlib.suppress(UnavailableError):
            await self.release(org_id, queue)

    async def _let_pass(
        self,
        unit: Unit,
        entry: Entry,
        offer: Offer,
        state: OfferState,
        *,
        actor: Actor,
        origin: Origin,
        now: datetime,
    ) -> None:
        ended = moved(offer, state)
        await offers.update(unit.conn, ended)
        declined = state is OfferState.DECLINED
        happening = Declined(ended) if declined else OfferExpired(ended)
        waiting = replace(entry, status=Status.WAITING)
        waiting = await self._use.recording.write(unit, happening, waiting, actor, origin, now=now)
        if offer.leaves:
            left, reason = (
                replace(waiting, status=Status.EXPIRED),
                Removed(RemovalReason.DECLINED if declined else RemovalReason.EXPIRED),
            )
            await self._use.recording.write(unit, reason, left, actor, origin, now=now)
