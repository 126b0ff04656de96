"""Where a booking or hold is to be: what a caller gave, completed, and what was found of the place it names.

Invariant: what was found is as it was in one look at the database; of an event instance, whose row is locked, it stays
so until the transaction ends.
"""

from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.place import Place
from booking.domain.visit import Given, Visit, at_instance, check_shape
from booking.store import places, spots
from chassis.postgres import Connection


async def visit_and_place(conn: Connection, actor: Actor, given: Given, *, now: datetime) -> tuple[Visit, Place]:
    """Complete what was given, and read the place.

    Args:
        conn: where to read; with an event instance, the transaction that takes its spots.
        actor: who asks.
        given: the fields of the visit; without an event instance, all that it needs.
        now: the current instant.

    Raises:
        ValidationFailedError: as `at_instance` and `check_shape` say.
    """
    if given.get("event_instance_id") is not None:
        instance = await spots.read(conn, actor.org_id, given["event_instance_id"], now=now)
        visit = Visit(**at_instance(given, instance))
        check_shape(visit)
        return visit, Place(instance=instance)
    visit = Visit(**given)
    check_shape(visit)
    place = await places.read(
        conn,
        actor.org_id,
        visit.span,
        now=now,
        schedule_id=visit.schedule_id,
        location_id=visit.location_id,
        event_type_id=visit.event_type_id,
    )
    return visit, place
