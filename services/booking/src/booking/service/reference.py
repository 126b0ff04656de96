"""Use cases on reference data, the same for every kind.

Invariant: an entity names only entities of its own organization that are not deleted, and has as many lanes as bookings
may use. What is used is never deleted: who names an entity waits for who deletes it, and finds it gone, or the other
way round; of schedules and tables, that holds for who books them too.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from booking.domain.actors import Actor
from booking.domain.errors import Flaws, NotFoundError
from booking.domain.listing import Found, Page
from booking.domain.reference import Entity, Kind, Stored, T, check_kept, check_lanes, check_unused
from booking.service.reference_events import tell
from booking.store import reference, resources, usage
from booking.store.contention import retrying
from chassis import outbox
from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.ids import Ids
from chassis.origin import Origin
from chassis.postgres import Connection, Database
from chassis.unit import Unit, UnitOfWork


class ReferenceData:
    """Locations, sections, tables, schedules, event types, clients and services."""

    def __init__(self, units: UnitOfWork, database: Database, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._database = database
        self._clock = clock
        self._new_id = ids.new
        self._next_event_id = partial(ids.following, "evt")

    async def create(self, actor: Actor, kind: Kind[T], entity: T, origin: Origin, once: Once | None) -> Stored[T]:
        """Add an entity.

        Raises:
            ValidationFailedError: it names an entity that is not there, or that does not go with it.
        """
        now = self._clock()
        async with self._units.begin(once) as unit:
            settled = await _settle(unit.conn, kind, actor.org_id, entity)
            new = Stored(self._new_id(kind.prefix), settled, now, now)
            stored = await self._write(unit, kind, None, new, actor=actor, origin=origin)
            await resources.provide(unit.conn, actor.org_id, stored.id, settled.lanes)
            unit.answer(stored)
        return stored

    async def get(self, actor: Actor, kind: Kind[T], entity_id: str) -> Stored[T]:
        """Read an entity.

        Raises:
            NotFoundError: there is no such entity in the actor's reach.
        """
        async with self._database.connection() as conn:
            return await _find(conn, actor, kind, entity_id)

    async def page(self, actor: Actor, kind: Kind[T], wanted: Page, filters: Mapping[str, object]) -> Found[Stored[T]]:
        """Read a page of the entities in the actor's reach.

        Args:
            actor: who asks.
            kind: of which kind.
            wanted: which part of them.
            filters: the values that some of their fields are to have.
        """
        only = kind.only(actor)
        async with self._database.connection() as conn:
            return await reference.page(
                conn, kind, actor.org_id, wanted, filters if only is None else {**filters, "id": only}
            )

    async def change(
        self, actor: Actor, kind: Kind[T], entity_id: str, fields: Mapping[str, Any], origin: Origin
    ) -> Stored[T]:
        """Change some fields of an entity.

        Raises:
            NotFoundError: there is no such entity in the actor's reach.
            ValidationFailedError: the fields break a rule, take lanes away that bookings still use, or are among those
                that stay as they are while anything uses it.
        """
        now = self._clock()
        async with self._units.begin() as unit:
            before = await _find(unit.conn, actor, kind, entity_id, lock=True)
            entity = replace(before.entity, **fields)
            if entity == before.entity:
                return before
            settled = await _settle(unit.conn, kind, actor.org_id, entity)
            after = replace(before, entity=settled, updated_at=max(now, before.updated_at))
            await _fit_lanes(unit.conn, actor.org_id, before, after)
            await _fit_uses(unit.conn, kind, actor.org_id, before, after)
            return await self._write(unit, kind, before, after, actor=actor, origin=origin)

    async def delete(self, actor: Actor, kind: Kind[T], entity_id: str, origin: Origin) -> Stored[T]:
        """Delete an entity that nothing uses, and answer it as it was last.

        Raises:
            NotFoundError: there is no such entity in the actor's reach.
            InUseError: something uses it.
        """
        return await retrying(partial(self._delete, actor, kind, entity_id, origin))

    async def _delete(self, actor: Actor, kind: Kind[T], entity_id: str, origin: Origin, _attempt: int) -> Stored[T]:
        now = self._clock()
        async with self._units.begin() as unit:
            before = await _find(unit.conn, actor, kind, entity_id, lock=True)
            # Counted after the claim: whoever was quicker has committed by then.
            closed = await resources.close(unit.conn, entity_id, now=now)
            uses = await usage.read(unit.conn, kind.name, actor.org_id, entity_id, now=now)
            check_unused(kind.noun, uses, closed=closed)
            gone = replace(before, deleted_at=max(now, before.updated_at))
            return await self._write(unit, kind, before, gone, actor=actor, origin=origin)

    async def _write(
        self, unit: Unit, kind: Kind[T], before: Stored[T] | None, after: Stored[T], *, actor: Actor, origin: Origin
    ) -> Stored[T]:
        """Store an entity with what is told of it."""
        numbered, messages = tell(kind, before, after, actor, origin, next_id=self._next_event_id)
        store = reference.insert if before is None else reference.update
        await store(unit.conn, kind, actor.org_id, numbered)
        if messages:
            await outbox.append(unit.conn, messages)
            unit.publishes()
        return numbered


async def _settle(conn: Connection, kind: Kind[T], org_id: str, entity: T) -> T:
    """Answer an entity with what those that it names give it, and keep them from being deleted meanwhile."""
    flaws = Flaws()
    named: dict[str, Entity] = {}
    for field, other in kind.references.items():
        entity_id = getattr(entity, field)
        if entity_id is None:
            continue
        found = await reference.fetch_named(conn, other, org_id, entity_id)
        if found is None:
            flaws.add_unknown(field, other.noun)
        else:
            named[field] = found.entity
    flaws.tell()
    return entity.settled(named)


async def _fit_lanes(conn: Connection, org_id: str, before: Stored[T], after: Stored[T]) -> None:
    """Add lanes that are missing; refuse to take lanes away that are in use.

    A booking reads the capacity without a lock, for the row of a schedule is the hottest there is. So one that is being
    written just now may still take a lane that this capacity leaves out. It keeps its time there, alone on its lane as
    every booking is; whoever reads later is not offered that lane.
    """
    if after.entity.lanes >= before.entity.lanes:
        await resources.provide(conn, org_id, after.id, after.entity.lanes)
    else:
        check_lanes(after.entity, await resources.highest_used(conn, after.id, since=after.updated_at))


async def _fit_uses(conn: Connection, kind: Kind[T], org_id: str, before: Stored[T], after: Stored[T]) -> None:
    """Refuse to change what stays as it is in use. Whoever names the entity waits for its lock, or has committed."""
    changed = [name for name in kind.kept_in_use if getattr(before.entity, name) != getattr(after.entity, name)]
    if changed:
        uses = await usage.read(conn, kind.name, org_id, after.id, now=after.updated_at)
        check_kept(kind.noun, changed, before.entity, uses)


async def _find(conn: Connection, actor: Actor, kind: Kind[T], entity_id: str, *, lock: bool = False) -> Stored[T]:
    reachable = kind.only(actor) in {None, entity_id}
    found = await reference.fetch(conn, kind, actor.org_id, entity_id, lock=lock) if reachable else None
    if found is None:
        raise NotFoundError(f"there is no such {kind.noun}")
    return found
