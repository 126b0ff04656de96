"""Use cases on bookings.

Invariant: what a use case did is committed with its history, its occupancy and its outbox rows when it returns, and
nothing of it is left when it raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from booking.domain import change as changing
from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.change import Change
from booking.domain.creation import NewBooking, check_attendee, check_request, draft
from booking.domain.errors import AlreadyBookedError, BookingError, InvalidCursorError, NotFoundError
from booking.domain.facts import Created
from booking.domain.holds import grant, leaves_free, of_hold
from booking.domain.listing import BookingFilter, FeedPage, Found, Page
from booking.domain.occupancy import freed, is_unplaced, occupied, stored_span, tables_among
from booking.domain.place import Place
from booking.domain.status import Status
from booking.domain.times import Span
from booking.service import limits
from booking.service.claiming import claim_freed
from booking.service.occupying import find, make_room, reoccupy
from booking.service.recording import write
from booking.service.releasing import tell
from booking.service.visiting import known_client, take_hold, visit_and_place
from booking.store import bookings, history, instances, places, spots
from booking.store.contention import retrying
from booking.store.history import FeedEntry
from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.ids import Ids
from chassis.origin import Origin
from chassis.postgres import Connection, Database
from chassis.unit import Unit, UnitOfWork
from slotwire_contracts import ReleaseReason


@dataclass(frozen=True)
class Outcome:
    """What became of one of several bookings: the booking, or why it was refused."""

    booking_id: str
    booking: Booking | None = None
    refused: BookingError | None = None


@dataclass(frozen=True)
class Feed:
    """A page of a booking's history, told in its zone."""

    entries: Sequence[FeedEntry]
    zone: str
    has_more: bool


class Bookings:
    """Making, changing, listing and following bookings."""

    def __init__(self, units: UnitOfWork, database: Database, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._database = database
        self._clock = clock
        self._new_id = partial(ids.new, "bk")
        next_event_id = partial(ids.following, "evt")
        self._write = partial(write, next_event_id=next_event_id)
        self._tell_left = partial(tell, next_event_id=next_event_id)
        self._claim_freed = partial(claim_freed, next_event_id=next_event_id)

    async def create(self, actor: Actor, new: NewBooking, origin: Origin, once: Once | None) -> Booking:
        """Make a booking and claim its time, or turn a hold into one.

        Raises:
            ForbiddenError, ValidationFailedError, OutsideAvailabilityError: as `check_request` and `draft` say.
            SlotUnavailableError: the time or the spots are taken.
            AlreadyBookedError: the attendee has that slot already, or the waitlist's entry became a booking before.
            HoldExpiredError: the hold is gone.
            TooManyBookingsError: the schedule takes no more within this minute.
        """
        check_request(new, actor)
        return await retrying(partial(self._create, actor, new, origin, once))

    async def _create(self, actor: Actor, new: NewBooking, origin: Origin, once: Once | None, attempt: int) -> Booking:
        now = self._clock()
        alone = new.hold_id is None and new.visit.get("event_instance_id") is None
        begun = self._units.statement(once) if alone else self._units.begin(once)
        async with begun as unit:
            await _check_entry(unit.conn, actor, new)
            hold, freed = await take_hold(unit.conn, actor, new, now)
            given = new.visit if hold is None else of_hold(new.visit, hold)
            visit, place = await visit_and_place(unit.conn, actor, given, now=now)
            if hold is not None:
                visit, place = grant(hold, visit), replace(place, held=freed)
                if visit.granted:
                    place = replace(place, unplaced=0)  # what was held stays its own
            attendee = check_attendee(new, await known_client(unit.conn, actor, new), actor)
            drafted = draft(new, visit, attendee, place, actor, booking_id=self._new_id(), now=now)
            if hold is not None and visit.granted:
                drafted = replace(drafted, tables_chosen=hold.tables_chosen)
            schedule, made = None if visit.granted else place.schedule, 1 if hold is None else 0
            async with limits.heeded(unit.conn, schedule, visit.start_time, made=made, now=now):
                span = stored_span(drafted)
                claim = await find(unit.conn, drafted, place, span, chosen=visit.table_ids, now=now, attempt=attempt)
                if place.instance is not None:
                    await make_room(unit.conn, place.instance, drafted.spots, now)
                    await spots.book(unit.conn, drafted)
                tables = visit.table_ids or tables_among(place, claim.resource_nos)
                booking = replace(drafted, table_ids=tables) if tables else drafted
                created = Created(
                    booking.source,
                    booking.party_size,
                    walk_in=new.seated,
                    waitlist_entry_id=new.waitlist_entry_id,
                )
                stored = await self._write(unit, None, [(created, booking)], actor, origin, claim=claim, now=now)
            if hold is not None and leaves_free(hold, stored):
                await self._tell_left(unit, [hold], ReleaseReason.RELEASED, actor.name, origin, now=now)
            unit.answer(stored)
        return stored

    async def change(self, actor: Actor, booking_id: str, change: Change, origin: Origin) -> Booking:
        """Change a booking's details and status, all or nothing; what changes nothing leaves no trace.

        Raises:
            NotFoundError: there is no such booking in the actor's reach.
            VersionConflictError: it has moved on since the caller saw it.
            ForbiddenError, ValidationFailedError, InvalidTransitionError, OutsideAvailabilityError: as the rules of
                `booking.domain.change` say.
            SlotUnavailableError: the time, the tables or the spots it is to have are taken.
            AlreadyBookedError: the attendee has the slot that it is to have.
            ExternalReadOnlyError: its times are changed where it was made.
        """
        changing.check_allowed(change, actor)
        return await retrying(partial(self._change, actor, booking_id, change, origin))

    async def change_all(
        self, actor: Actor, booking_ids: Sequence[str], change: Change, origin: Origin, once: Once | None
    ) -> list[Outcome]:
        """Change several bookings in the same way, each all or nothing, whatever becomes of the others.

        Returns:
            What became of each, in the order given.

        Raises:
            ForbiddenError: the actor may not ask for that change at all.
        """
        changing.check_allowed(change, actor)
        return await retrying(
            lambda attempt: self._change_all(actor, booking_ids, change, origin, once=once, attempt=attempt)
        )

    async def cancel(self, actor: Actor, booking_id: str, if_version: int | None, origin: Origin) -> Booking:
        """Cancel a booking; one that is cancelled stays as it is.

        Raises:
            as `change`.
        """
        return await self.change(actor, booking_id, Change(status=Status.CANCELLED, if_version=if_version), origin)

    async def _change_all(
        self,
        actor: Actor,
        booking_ids: Sequence[str],
        change: Change,
        origin: Origin,
        *,
        once: Once | None,
        attempt: int,
    ) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        async with self._units.begin(once) as unit:
            for instance_id in await bookings.lock_several(unit.conn, actor, booking_ids):
                await instances.lock(unit.conn, actor.org_id, instance_id)
            for booking_id in sorted(set(booking_ids)):
                try:
                    async with unit.conn.transaction():
                        after = await self._change_in(unit, actor, booking_id, change, origin, attempt=attempt)
                except BookingError as refused:
                    outcomes[booking_id] = Outcome(booking_id, refused=refused)
                else:
                    outcomes[booking_id] = Outcome(booking_id, booking=after)
            found = [outcomes[booking_id] for booking_id in booking_ids]
            unit.answer(found)
        return found

    async def _change(self, actor: Actor, booking_id: str, change: Change, origin: Origin, attempt: int) -> Booking:
        async with self._units.begin() as unit:
            return await self._change_in(unit, actor, booking_id, change, origin, attempt=attempt)

    async def _change_in(
        self, unit: Unit, actor: Actor, booking_id: str, change: Change, origin: Origin, *, attempt: int
    ) -> Booking:
        before = _found(await bookings.fetch(unit.conn, actor, booking_id, lock=True))
        changing.check_version(before, change)
        now = self._clock()
        revised = changing.revise(before, change, actor, now=now)
        after = changing.move_status(revised, change, now=now)
        place, choice = Place(), changing.keep_tables(before)
        if changing.needs_place(before, revised, after, change):
            place = await _place_of(unit, revised, occupied(after, now) or stored_span(after), now=now)
            changing.check_times(before, revised, change, place, now=now)
            choice = changing.choose_tables(before, revised, change, place)
            if changing.counts_anew(before, after):
                await limits.heed(unit.conn, place.schedule, after.start_time, made=0, now=now, except_id=before.id)
        table_ids, claim = await reoccupy(unit.conn, before, after, place, choice, now=now, attempt=attempt)
        revised, after = (
            replace(
                booking,
                table_ids=table_ids,
                tables_chosen=choice.by_staff,
                version=before.version + 1,
                updated_at=now,
                conflict=is_unplaced(after, claim, now),
            )
            for booking in (revised, after)
        )
        steps = changing.facts(before, revised, after, change.reason)
        if not steps:
            return before
        stored = await self._write(unit, before, steps, actor, origin, claim=claim, now=now)
        if (left := freed(before, stored, now)) is not None:
            await self._claim_freed(unit, [left], origin, now=now)
        return stored

    async def get(self, actor: Actor, booking_id: str) -> Booking:
        """Read a booking.

        Raises:
            NotFoundError: there is no such booking in the actor's reach.
        """
        async with self._database.connection() as conn:
            return _found(await bookings.fetch(conn, actor, booking_id))

    async def page(self, actor: Actor, wanted: BookingFilter, *, upcoming: bool, part: Page) -> Found[Booking]:
        """Read a page of the bookings in the actor's reach; `upcoming` leaves only those that are yet to start."""
        if upcoming:
            wanted = replace(wanted, starts_after=self._clock())
        async with self._database.snapshot() as conn:
            return await bookings.page(conn, actor, wanted, part)

    async def feed(self, actor: Actor, booking_id: str, page: FeedPage) -> Feed:
        """Read a page of a booking's history.

        Raises:
            NotFoundError: there is no such booking in the actor's reach.
            InvalidCursorError: the cursor names no event of the feed.
        """
        async with self._database.connection() as conn:
            booking = _found(await bookings.fetch(conn, actor, booking_id))
            found = await history.read(conn, booking.id, page)
        if found is None:
            param = "starting_after" if page.starting_after else "ending_before"
            raise InvalidCursorError("the cursor names no event of this reservation", param=param)
        entries, has_more = found
        return Feed(entries, booking.zone, has_more)


async def _place_of(unit: Unit, booking: Booking, span: Span, *, now: datetime) -> Place:
    """Read where a booking takes place, with what others have there in the time that it is to occupy."""
    return await places.read(
        unit.conn,
        booking.org_id,
        span,
        now=now,
        schedule_id=booking.schedule_id,
        location_id=booking.location_id,
        event_type_id=booking.event_type_id,
        holder_id=booking.id,
        widened=False,
    )


def _found(booking: Booking | None) -> Booking:
    if booking is None:
        raise NotFoundError("there is no such booking")
    return booking


async def _check_entry(conn: Connection, actor: Actor, new: NewBooking) -> None:
    """Refuse to make a second booking of an entry of the waitlist, even when no key is kept of the first any more.

    Raises:
        AlreadyBookedError: it names the first.
    """
    if new.waitlist_entry_id is None:
        return
    booking_id = await history.booking_of_entry(conn, actor.org_id, new.waitlist_entry_id)
    if booking_id is not None:
        raise AlreadyBookedError(
            "the entry has become a booking already", param="waitlist_entry_id", details={"booking_id": booking_id}
        )
