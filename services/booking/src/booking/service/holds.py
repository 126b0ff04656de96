"""Use cases on holds.

Invariant: a hold blocks from its commit on, and no longer than to its expiry, whether or not anybody has looked since.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from booking.domain.actors import Actor, ActorName
from booking.domain.errors import Flaws, NotFoundError
from booking.domain.holds import Hold, check_minutes, hold_of
from booking.domain.occupancy import tables_among
from booking.domain.times import check_span
from booking.domain.visit import Given, check_fields, check_rights, check_times
from booking.service import limits
from booking.service.occupying import find, make_room
from booking.service.releasing import give_back
from booking.service.visiting import visit_and_place
from booking.store import holds, spots
from booking.store.contention import retrying
from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.ids import Ids
from chassis.lifecycle import Stop
from chassis.origin import Origin
from chassis.unit import Unit, UnitOfWork
from slotwire_contracts import ReleaseReason

_LOOK_SECONDS = 1.0
BATCH = 200


class Holds:
    """Making holds, releasing them, and sweeping up those that have expired."""

    def __init__(self, units: UnitOfWork, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._clock = clock
        self._new_id = partial(ids.new, "hld")
        self._new_request_id = partial(ids.new, "req")
        self._next_event_id = partial(ids.following, "evt")

    async def create(self, actor: Actor, given: Given, minutes: int, once: Once | None) -> Hold:
        """Claim a time, tables or spots for some minutes.

        Raises:
            ForbiddenError, ValidationFailedError, OutsideAvailabilityError: as for a booking of the same.
            SlotUnavailableError: it is taken.
            TooManyBookingsError: the schedule takes no more within this minute.
        """
        check_rights(given, actor)
        check_minutes(minutes, actor)
        return await retrying(partial(self._create, actor, given, minutes, once))

    async def _create(self, actor: Actor, given: Given, minutes: int, once: Once | None, attempt: int) -> Hold:
        now = self._clock()
        alone = given.get("event_instance_id") is None
        begun = self._units.statement(once) if alone else self._units.begin(once)
        async with begun as unit:
            visit, place = await visit_and_place(unit.conn, actor, given, now=now)
            flaws = Flaws()
            check_fields(visit, place, actor, flaws, now=now)
            flaws.tell()
            check_times(visit, place, now)
            hold = hold_of(visit, actor, hold_id=self._new_id(), minutes=minutes, now=now)
            before, after = place.buffers
            span = check_span(visit.span, before_minutes=before, after_minutes=after)
            async with limits.heeded(unit.conn, place.schedule, visit.start_time, made=1, now=now):
                claim = await find(unit.conn, hold, place, span, chosen=visit.table_ids, now=now, attempt=attempt)
                hold = replace(hold, table_ids=visit.table_ids or tables_among(place, claim.resource_nos))
                if place.instance is not None:
                    await make_room(unit.conn, place.instance, hold.party_size, now)
                    await spots.hold(unit.conn, hold)
                await holds.insert(unit.conn, hold, claim, unit.kept(hold))
            unit.answer(hold)
        return hold

    async def release(self, actor: Actor, hold_id: str, origin: Origin) -> Hold:
        """Give back what a hold holds.

        Raises:
            NotFoundError: there is no such hold in the actor's reach, or not any more.
        """
        return await retrying(partial(self._release, actor, hold_id, origin))

    async def _release(self, actor: Actor, hold_id: str, origin: Origin, _attempt: int) -> Hold:
        async with self._units.begin() as unit:
            hold = await holds.take(unit.conn, actor, hold_id)
            if hold is None:
                raise NotFoundError("there is no such hold")
            await self._give_back(unit, [hold], ReleaseReason.RELEASED, actor.name, origin)
        return hold

    async def sweep(self, stop: Stop) -> None:
        """Give back what has expired, for those who wait to hear of it, until asked to stop."""
        full = False
        while not await stop.wait(0 if full else _LOOK_SECONDS):
            full = await self.sweep_once() == BATCH

    async def sweep_once(self) -> int:
        """Give back what has expired, a batch at most, and answer how many holds that were."""
        return await retrying(self._sweep)

    async def _sweep(self, _attempt: int) -> int:
        async with self._units.begin() as unit:
            expired = await holds.take_expired(unit.conn, self._clock(), BATCH)
            await self._give_back(unit, expired, ReleaseReason.EXPIRED, "system", Origin(self._new_request_id()))
        return len(expired)

    async def _give_back(
        self, unit: Unit, taken: Sequence[Hold], reason: ReleaseReason, actor: ActorName, origin: Origin
    ) -> None:
        await give_back(unit, taken, reason, actor, origin, now=self._clock(), next_event_id=self._next_event_id)
