"""Turning entries into bookings: written down first, then asked of booking, then told.

Invariant: what booking is asked stays written down until its answer is, so that it is asked the same, under the
conversion's id and for the same entry, until it has answered; one entry becomes one booking.
"""

from dataclasses import replace
from functools import partial
from typing import assert_never

from chassis.idempotency import Once
from chassis.origin import Origin
from chassis.postgres import Connection
from chassis.unit import Unit
from waitlist.client.taking import Booked, Refused
from waitlist.domain.actors import Actor
from waitlist.domain.conversion import Conversion, accepts, asked_of_booking, check_convertible, loses
from waitlist.domain.entry import Entry, Placed
from waitlist.domain.errors import UnavailableError
from waitlist.domain.happening import Converted
from waitlist.domain.offer import LEASE, Offer, OfferState, accepted
from waitlist.domain.status import Status
from waitlist.domain.terms import Terms, Wanted, terms_of
from waitlist.domain.told import Location
from waitlist.service.ending import Ending
from waitlist.service.finding import check_idle, find, own
from waitlist.service.offering import Offering
from waitlist.service.tools import Tools
from waitlist.service.translating import translated
from waitlist.store import conversions, offers


class Converting:
    """Turns entries into bookings."""

    def __init__(self, tools: Tools, offering: Offering, ending: Ending) -> None:
        self._use = tools
        self._offering = offering
        self._ending = ending
        self._new_id = partial(tools.ids.new, "wlc")

    async def convert(self, actor: Actor, entry_id: str, wanted: Wanted, origin: Origin, once: Once | None) -> Placed:
        """Turn an entry into the booking of what it is offered, or of what staff ask for (seed 000).

        An entry that has become a booking is answered as it is.

        Raises:
            NotFoundError: there is no such entry in the actor's reach.
            InvalidTransitionError: it waits no more, or is becoming a booking right now.
            OfferGoneError, ForbiddenError, ValidationFailedError: as `asked_of_booking` and `terms_of` say.
            PlaceTakenError, AlreadyBookedError, OutsideAvailabilityError: booking refuses; the entry stays.
            UnavailableError: booking does not answer; asking again goes on from there.
        """
        async with self._use.database.connection() as conn:
            if once is not None:
                await once.look(conn)
            entry = (await find(conn, actor, entry_id)).entry
            begun = await conversions.of_entry(conn, actor.org_id, entry_id)
        terms = terms_of(wanted, entry, await self._location(entry, wanted))
        if begun is not None:
            await self.resume(begun)
        cleared: Offer | None = None
        while isinstance(conversion := await self._begin(actor, entry_id, terms, origin, cleared), Offer):
            cleared = await self._cleared(conversion)
        if conversion is not None:
            refused = await self.carry_out(conversion)
            if refused is not None:
                raise translated(refused)
        async with self._use.units.begin(once) as unit:
            placed = await find(unit.conn, actor, entry_id)
            unit.answer(placed)
        return placed

    async def resume(self, conversion: Conversion) -> bool:
        """Carry out what somebody began, if it is in nobody's hands; tell whether it was.

        Raises:
            UnavailableError: as `carry_out` says.
        """
        now = self._use.clock()
        async with self._use.database.connection() as conn:
            taken = await conversions.lease(conn, conversion, now=now, until=now + LEASE)
        if taken:
            await self.carry_out(conversion)
        return taken

    async def carry_out(self, conversion: Conversion) -> Refused | None:
        """Ask booking for what was written down, and write what it answers; the caller has it in hand.

        Returns:
            Why booking refuses; None when the entry is converted.

        Raises:
            UnavailableError: nobody knows whether it is booked; whoever carries it out again finds out.
        """
        try:
            answer = await self._use.taking.book(conversion)
        except UnavailableError:
            async with self._use.database.connection() as conn:
                await conversions.let_go(conn, conversion, self._use.clock())
            raise
        async with self._use.units.begin() as unit:
            entry = await own(unit.conn, conversion.org_id, conversion.entry_id)
            await conversions.end(unit.conn, conversion)
            offer = await offers.open_of(unit.conn, conversion.org_id, entry.id)
            await self._settle(unit, conversion, entry, offer, answer)
        await self._ending.release_soon(conversion.org_id, conversion.queue)
        return answer if isinstance(answer, Refused) else None

    async def begin_at(
        self, conn: Connection, entry: Entry, terms: Terms, offer: Offer | None, *, actor: Actor, origin: Origin
    ) -> Conversion:
        """Write down what booking is going to be asked. The caller holds the lock of the entry.

        Raises:
            ValidationFailedError, InvalidTransitionError, OfferGoneError, ForbiddenError: as `convert` says.
        """
        check_convertible(entry)
        request = asked_of_booking(entry, offer, terms, actor)
        conversion = Conversion(
            id=self._new_id(),
            entry_id=entry.id,
            org_id=entry.org_id,
            queue=entry.queue,
            offer_id=offer.id if offer is not None and accepts(offer, request) else None,
            request=request,
            made_by=actor.name,
            request_id=origin.request_id,
            traceparent=origin.traceparent,
            leased_until=self._use.clock() + LEASE,
        )
        await conversions.insert(conn, conversion)
        return conversion

    async def _cleared(self, offer: Offer) -> Offer:
        """See to it that what is held for the entry is no conflict: it is just being held, or was for too long.

        Raises:
            UnavailableError: booking does not answer, or others have it in hand for too long.
        """
        if offer.state is OfferState.REQUESTED:
            await self._offering.finish(offer)
        else:
            await self._use.taking.release(offer.org_id, str(offer.hold_id))
        return offer

    async def _begin(
        self, actor: Actor, entry_id: str, terms: Terms, origin: Origin, cleared: Offer | None
    ) -> Conversion | Offer | None:
        """Write down what booking is going to be asked, unless the entry is a booking already: None.

        Nothing is written while there is an offer to be cleared first, which is answered: one that is being made, or
        one whose hold outlasts its deadline and would keep the place from the staff.
        """
        async with self._use.database.transaction() as conn:
            entry = (await find(conn, actor, entry_id, lock=True)).entry
            if entry.status is Status.CONVERTED:
                return None
            await check_idle(conn, entry)
            offer = await offers.open_of(conn, actor.org_id, entry_id)
            live = offer if offer is not None and offer.is_live(self._use.clock()) else None
            if offer is not None and live is None and offer != cleared and _is_in_the_way(offer, actor):
                return offer
            return await self.begin_at(conn, entry, terms, live, actor=actor, origin=origin)

    async def _location(self, entry: Entry, wanted: Wanted) -> Location | None:
        """Ask for the location whose clocks tell what the times stand for."""
        if entry.location_id is None or wanted.start is None:
            return None
        return await self._use.booking.location(entry.org_id, entry.location_id)

    async def _settle(
        self, unit: Unit, conversion: Conversion, entry: Entry, offer: Offer | None, answer: Booked | Refused
    ) -> None:
        now = self._use.clock()
        match answer:
            case Booked():
                used = offer if offer is not None and offer.id == conversion.offer_id else None
                await self._converted(unit, conversion, entry, used, answer)
            case Refused(code):
                if offer is not None and loses(offer, conversion, code):
                    actor, origin = _made_by(conversion)
                    await self._ending.take_back(unit, entry, offer, actor, origin, now=now)
                    await self._use.mark(unit.conn, entry.org_id, entry.queue)
            case _:
                assert_never(answer)

    async def _converted(
        self, unit: Unit, conversion: Conversion, entry: Entry, used: Offer | None, booked: Booked
    ) -> None:
        if entry.status is Status.CONVERTED:
            return  # by a twin of this
        now, (actor, origin) = self._use.clock(), _made_by(conversion)
        if used is not None:
            await offers.update(unit.conn, accepted(used, used_up=not booked.before))
        else:
            await self._ending.withdraw(unit, entry)
        converted = replace(entry, status=Status.CONVERTED, booking_id=booked.booking_id)
        await self._use.recording.write(unit, Converted(), converted, actor, origin, now=now)
        await self._use.mark(unit.conn, entry.org_id, entry.queue)


def _is_in_the_way(offer: Offer, actor: Actor) -> bool:
    """Tell whether an open offer that cannot be accepted has to be cleared; a client takes only one that can be."""
    return offer.state is OfferState.REQUESTED or (offer.hold_open and not actor.is_client)


def _made_by(conversion: Conversion) -> tuple[Actor, Origin]:
    return Actor(conversion.org_id, conversion.made_by), Origin(conversion.request_id, conversion.traceparent)
