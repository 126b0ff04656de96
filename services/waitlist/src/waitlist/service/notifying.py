"""Offers that staff make by hand, to whom they choose.

Invariant: what is offered by hand is held as any offer is; it may go to an entry whose turn it is not.
"""

from chassis.idempotency import KEPT, Once
from chassis.origin import Origin
from waitlist.client.taking import Refused
from waitlist.domain.actors import Actor
from waitlist.domain.candidates import Candidate
from waitlist.domain.choosing import Reason, could_have
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.errors import Flaw, InvalidTransitionError, PlaceTakenError, ValidationFailedError
from waitlist.domain.offer import Offer, OfferState
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status
from waitlist.domain.terms import START_TIME, Wanted, terms_of
from waitlist.domain.visits import Facts, Place, Tables
from waitlist.service.finding import check_idle, find
from waitlist.service.knowing import Knowing
from waitlist.service.offering import Offering
from waitlist.service.tools import Tools
from waitlist.service.translating import translated
from waitlist.store import offers, queues


class Notifying:
    """Offers places by hand."""

    def __init__(self, tools: Tools, knowing: Knowing, offering: Offering) -> None:
        self._use = tools
        self._knowing = knowing
        self._offering = offering

    async def notify(self, actor: Actor, entry_id: str, wanted: Wanted, origin: Origin, once: Once | None) -> Placed:
        """Offer an entry a time, or else the earliest that fits it.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            InvalidTransitionError: it does not wait, or is becoming a booking right now.
            ValidationFailedError: as `terms_of` says, or it is too late for that time to be offered.
            PlaceTakenError: nothing that fits it is free.
            OutsideAvailabilityError: the location is closed at that time.
            UnavailableError: booking does not answer; the offer is made, or not, when it does, and asking again under
                the same key tells.
        """
        async with self._use.database.connection() as conn:
            if once is not None:
                await once.look(conn)
            entry = (await find(conn, actor, entry_id)).entry
        if once is None or not await self._was_told(actor.org_id, once):
            await self._offer(actor, entry, wanted, origin, once)
        async with self._use.units.begin(once) as unit:
            placed = await find(unit.conn, actor, entry_id)
            unit.answer(placed)
        return placed

    async def _was_told(self, org_id: str, once: Once) -> bool:
        """Tell whether the guest was told of the offer that was asked for with the same key before."""
        async with self._use.database.connection() as conn:
            offer = await offers.asked_with(conn, org_id, once.scope, self._use.clock() - KEPT)
        if offer is None or offer.once_fingerprint is None:
            return False
        once.check(offer.once_fingerprint)
        await self._offering.finish(offer)
        async with self._use.database.connection() as conn:
            return (await offers.fetch(conn, org_id, offer.id)).was_told

    async def _offer(self, actor: Actor, entry: Entry, wanted: Wanted, origin: Origin, once: Once | None) -> None:
        """Make the offer."""
        _check_waiting(entry)
        candidate = Candidate(entry.id, entry.party_size, entry.window_start, entry.window_end)
        facts, policy = await self._knowing.told(actor.org_id, entry.queue, [candidate])
        place = self._place(entry, wanted, candidate, facts, policy)
        offer = await self._request(actor, entry, place, (facts, policy), origin=origin, once=once)
        done = await self._offering.carry_out(offer)
        if isinstance(done, Refused):
            raise translated(done)
        if done.state is not OfferState.LIVE:
            raise InvalidTransitionError("the entry changed while it was offered a place; try again")

    def _place(self, entry: Entry, wanted: Wanted, candidate: Candidate, facts: Facts, policy: Policy) -> Place:
        now = self._use.clock()
        place = terms_of(wanted, entry, facts.location if isinstance(facts, Tables) else None).place
        if place is None:
            found = could_have(candidate, facts, policy, now)
            if isinstance(found, Reason):
                raise PlaceTakenError("nothing is free that fits the entry", details={"reason": found.value})
            return found[0]
        if now >= policy.cut_off(place.start):
            raise ValidationFailedError(Flaw(START_TIME, "must be before the cut-off of offers", "past"))
        return place

    async def _request(
        self,
        actor: Actor,
        seen: Entry,
        place: Place,
        known: tuple[Facts, Policy],
        *,
        origin: Origin,
        once: Once | None,
    ) -> Offer:
        """Write the offer down, under the locks of the queue and of the entry."""
        async with self._use.database.transaction() as conn:
            await queues.lock(conn, actor.org_id, seen.queue)
            entry = (await find(conn, actor, seen.id, lock=True)).entry
            await check_idle(conn, entry)
            _check_waiting(entry)
            if await offers.open_of(conn, actor.org_id, seen.id) is not None:
                raise InvalidTransitionError("the entry is being offered a place right now; try again")
            passed = await offers.passed(conn, actor.org_id, entry.queue)
            return await self._offering.request(
                conn,
                entry,
                place,
                *known,
                round_id=passed.round_of(place),
                actor=actor,
                origin=origin,
                once=once,
                now=self._use.clock(),
            )


def _check_waiting(entry: Entry) -> None:
    if entry.status is not Status.WAITING:
        details = {"fromStatus": entry.status.value, "toStatus": Status.NOTIFIED.value}
        raise InvalidTransitionError("only a waiting entry can be offered a place", details=details)
