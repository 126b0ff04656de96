"""Use cases on reference data, the same for every kind.

Invariant: an entity names only entities of its own organization, and has as many lanes as bookings may use.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from booking.domain.actors import Actor
from booking.domain.errors import Flaws, NotFoundError
from booking.domain.listing import Found, Page
from booking.domain.reference import Kind, Stored, T, check_lanes
from booking.service.ids import Ids
from booking.store import reference, resources
from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork


class ReferenceData:
    """Locations, tables, schedules and event types."""

    def __init__(self, units: UnitOfWork, database: Database, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create(self, actor: Actor, kind: Kind[T], entity: T, once: Once | None) -> Stored[T]:
        """Add an entity.

        Raises:
            ValidationFailedError: it names an entity that is not there.
        """
        now = self._clock()
        stored = Stored(self._ids.new(kind.prefix), entity, now, now)
        async with self._units.begin(once) as unit:
            await _check_references(unit.conn, kind, actor.org_id, entity)
            await reference.insert(unit.conn, kind, actor.org_id, stored)
            await resources.provide(unit.conn, actor.org_id, stored.id, entity.lanes)
            unit.answer(stored)
        return stored

    async def get(self, actor: Actor, kind: Kind[T], entity_id: str) -> Stored[T]:
        """Read an entity.

        Raises:
            NotFoundError: the organization has no such entity.
        """
        async with self._database.connection() as conn:
            return _found(await reference.fetch(conn, kind, actor.org_id, entity_id), kind)

    async def page(self, actor: Actor, kind: Kind[T], wanted: Page) -> Found[Stored[T]]:
        """Read a page of the organization's entities."""
        async with self._database.connection() as conn:
            return await reference.page(conn, kind, actor.org_id, wanted)

    async def change(self, actor: Actor, kind: Kind[T], entity_id: str, fields: Mapping[str, Any]) -> Stored[T]:
        """Change some fields of an entity.

        Raises:
            NotFoundError: the organization has no such entity.
            ValidationFailedError: the fields break a rule, or take lanes away that bookings still use.
        """
        now = self._clock()
        async with self._units.begin() as unit:
            before = _found(await reference.fetch(unit.conn, kind, actor.org_id, entity_id, lock=True), kind)
            after = replace(before, entity=replace(before.entity, **fields), updated_at=now)
            if after.entity == before.entity:
                return before
            await _check_references(unit.conn, kind, actor.org_id, after.entity)
            await _fit_lanes(unit.conn, actor.org_id, before, after)
            await reference.update(unit.conn, kind, actor.org_id, after)
        return after


async def _check_references(conn: Connection, kind: Kind[T], org_id: str, entity: T) -> None:
    flaws = Flaws()
    for field, other in kind.references.items():
        named = getattr(entity, field)
        if named is not None and not await reference.exists(conn, other.name, org_id, named):
            flaws.add_unknown(field, other.noun)
    flaws.tell()


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


def _found(stored: Stored[T] | None, kind: Kind[T]) -> Stored[T]:
    if stored is None:
        raise NotFoundError(f"there is no such {kind.noun}")
    return stored
