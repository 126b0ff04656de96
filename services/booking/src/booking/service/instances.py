"""Use cases on event instances.

Invariant: an instance and its registrations tell the same: when it moves or is cancelled, so do they, in the same
transaction. Who registers at the same time waits for the instance's row, and then finds it as it is by then. What an
instance names is not deleted meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.creation import NewBooking
from booking.domain.errors import NotFoundError
from booking.domain.instances import (
    CANCELLABLE,
    EVENT_CANCELLED,
    EventInstance,
    InstanceCancelled,
    InstanceFact,
    InstanceFilter,
    InstanceStatus,
    InstanceUpdated,
    NewInstance,
    diff,
    draft,
    numbered,
    revise,
)
from booking.domain.listing import BookingFilter, Found, Page
from booking.domain.reference import LOCATIONS, SERVICES, check_unused
from booking.domain.status import OCCUPYING
from booking.service.bookings import Bookings
from booking.service.events import message_of
from booking.service.instance_events import event_of
from booking.service.registrations import Following, lock
from booking.service.releasing import give_back
from booking.store import bookings, holds, instances, reference, spots, usage
from booking.store.contention import retrying
from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.ids import Ids
from chassis.origin import Origin
from chassis.postgres import Connection, Database
from chassis.unit import Unit, UnitOfWork
from slotwire_contracts import ReleaseReason


@dataclass(frozen=True)
class Cancellation:
    """A cancelled instance, and how many registrations ended with it."""

    instance: EventInstance
    registrations: int


class EventInstances:
    """Making, changing, cancelling and listing event instances, and what that means for who registered."""

    def __init__(self, units: UnitOfWork, database: Database, clock: Clock, ids: Ids, use_cases: Bookings) -> None:
        self._bookings = use_cases
        self._units = units
        self._database = database
        self._clock = clock
        self._new_id = partial(ids.new, "inst")
        self._next_event_id = partial(ids.following, "evt")

    async def create(self, actor: Actor, new: NewInstance, once: Once | None) -> EventInstance:
        """Add an instance.

        Raises:
            ValidationFailedError: as `draft` says.
        """
        async with self._units.begin(once) as unit:
            service = await reference.fetch_named(unit.conn, SERVICES, actor.org_id, new.service_id)
            known = await _has_location(unit.conn, actor, new.location_id)
            instance = draft(
                new,
                None if service is None else service.entity,
                org_id=actor.org_id,
                instance_id=self._new_id(),
                known_location=known,
                now=self._clock(),
            )
            await instances.insert(unit.conn, instance)
            unit.answer(instance)
        return instance

    async def get(self, actor: Actor, instance_id: str) -> EventInstance:
        """Read an instance.

        Raises:
            NotFoundError: the organization has no such instance.
        """
        async with self._database.connection() as conn:
            return await _find(conn, actor, instance_id, now=self._clock())

    async def page(self, actor: Actor, wanted: InstanceFilter, part: Page) -> Found[EventInstance]:
        """Read a page of the organization's instances, by start."""
        async with self._database.connection() as conn:
            return await instances.page(conn, actor.org_id, wanted, part, now=self._clock())

    async def registrations(self, actor: Actor, instance_id: str, part: Page) -> Found[Booking]:
        """Read a page of an instance's registrations in the actor's reach.

        Raises:
            NotFoundError: the organization has no such instance.
        """
        async with self._database.snapshot() as conn:
            await _find(conn, actor, instance_id, now=self._clock())
            return await bookings.page(conn, actor, BookingFilter(event_instance_id=instance_id), part)

    async def register(
        self, actor: Actor, instance_id: str, new: NewBooking, origin: Origin, once: Once | None
    ) -> Booking:
        """Book spots of an instance.

        Args:
            actor: who asks.
            instance_id: the instance, which `new` names too.
            new: what is asked for.
            origin: the request behind it.
            once: the request's idempotency key, if it has one.

        Raises:
            NotFoundError: the organization has no such instance.
            as `Bookings.create` beside it.
        """
        await self.get(actor, instance_id)
        return await self._bookings.create(actor, new, origin, once)

    async def change(self, actor: Actor, instance_id: str, changes: Mapping[str, Any], origin: Origin) -> EventInstance:
        """Change some fields of an instance, and with its time that of its registrations and holds.

        Raises:
            NotFoundError: the organization has no such instance.
            ValidationFailedError: as `revise` says.
        """
        return await retrying(partial(self._change, actor, instance_id, changes, origin))

    async def _change(
        self, actor: Actor, instance_id: str, changes: Mapping[str, Any], origin: Origin, _attempt: int
    ) -> EventInstance:
        moves = bool(changes.keys() & {"start_time", "end_time"})
        async with self._units.begin() as unit:
            registered = await lock(unit.conn, actor.org_id, instance_id, OCCUPYING if moves else ())
            now = self._clock()
            before = await _find(unit.conn, actor, instance_id, now=now)
            known = await _has_location(unit.conn, actor, changes.get("location_id"))
            after = revise(before, changes, known_location=known)
            changed = diff(before, after)
            if not changed:
                return before
            await spots.release_expired(unit.conn, instance_id, now)
            if after.span != before.span:
                await instances.move_holds(unit.conn, after)
                await self._following(unit, actor, origin, now).move(registered, after)
            return await self._tell(unit, InstanceUpdated(changed), after, actor, origin, now=now)

    async def cancel(
        self, actor: Actor, instance_id: str, reason: str | None, origin: Origin, once: Once | None
    ) -> Cancellation:
        """Cancel an instance with all of its registrations but those who sit already; a cancelled one stays as it is.

        Raises:
            NotFoundError: the organization has no such instance.
        """
        return await retrying(partial(self._cancel, actor, instance_id, reason or EVENT_CANCELLED, origin, once))

    async def _cancel(
        self, actor: Actor, instance_id: str, reason: str, origin: Origin, once: Once | None, _attempt: int
    ) -> Cancellation:
        async with self._units.begin(once) as unit:
            registered = await lock(unit.conn, actor.org_id, instance_id, CANCELLABLE)
            now = self._clock()
            instance = await _find(unit.conn, actor, instance_id, now=now)
            if instance.status is InstanceStatus.CANCELLED:
                registered = []
            else:
                await self._following(unit, actor, origin, now).cancel(registered, reason)
                instance = await self._call_off(unit, instance_id, reason, actor, origin, now=now)
            cancellation = Cancellation(instance, len(registered))
            unit.answer(cancellation)
        return cancellation

    async def delete(self, actor: Actor, instance_id: str, origin: Origin) -> EventInstance:
        """Delete an instance that no booking uses, with the holds of its spots, and answer it as it was last.

        One that is to take place is cancelled by it, and told to be.

        Raises:
            NotFoundError: the organization has no such instance.
            InUseError: bookings use it.
        """
        return await retrying(partial(self._delete, actor, instance_id, origin))

    async def _delete(self, actor: Actor, instance_id: str, origin: Origin, _attempt: int) -> EventInstance:
        async with self._units.begin() as unit:
            await lock(unit.conn, actor.org_id, instance_id, ())
            now = self._clock()
            instance = await _find(unit.conn, actor, instance_id, now=now)
            uses = await usage.read(unit.conn, "event_instances", actor.org_id, instance_id, now=now)
            check_unused("event instance", uses, closed=True)
            if instance.status is InstanceStatus.SCHEDULED:
                instance = await self._call_off(unit, instance_id, EVENT_CANCELLED, actor, origin, now=now)
            gone = replace(instance, deleted_at=max(now, instance.updated_at))
            await instances.update(unit.conn, gone, [])
        return gone

    async def _call_off(
        self, unit: Unit, instance_id: str, reason: str, actor: Actor, origin: Origin, *, now: datetime
    ) -> EventInstance:
        """Cancel an instance, without its registrations, and end the holds of its spots."""
        ended = await holds.take_of_instance(unit.conn, instance_id, now)
        cancelled = ReleaseReason.CANCELLED
        await give_back(unit, ended, cancelled, actor.name, origin, now=now, next_event_id=self._next_event_id)
        left = await _find(unit.conn, actor, instance_id, now=now)
        called_off = replace(left, status=InstanceStatus.CANCELLED)
        return await self._tell(unit, InstanceCancelled(reason), called_off, actor, origin, now=now)

    def _following(self, unit: Unit, actor: Actor, origin: Origin, now: datetime) -> Following:
        return Following(unit, actor, origin, now, self._next_event_id)

    async def _tell(
        self, unit: Unit, fact: InstanceFact, instance: EventInstance, actor: Actor, origin: Origin, *, now: datetime
    ) -> EventInstance:
        """Store a changed instance, and publish what happened to it."""
        told = numbered(instance, now=now, next_id=self._next_event_id)
        await instances.update(unit.conn, told, [message_of(event_of(fact, told, actor, origin))])
        unit.publishes()
        return told


async def _has_location(conn: Connection, actor: Actor, location_id: str | None) -> bool:
    """Tell whether the location that is named is there, and keep it from being deleted; none named is as good."""
    return location_id is None or await reference.fetch_named(conn, LOCATIONS, actor.org_id, location_id) is not None


async def _find(conn: Connection, actor: Actor, instance_id: str, *, now: datetime) -> EventInstance:
    instance = await instances.fetch(conn, actor.org_id, instance_id, now=now)
    if instance is None:
        raise NotFoundError("there is no such event instance")
    return instance
