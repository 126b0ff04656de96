"""Where a booking or hold is to be, and who comes: what a caller gave, completed, and what was found of what it names.

Invariant: what was found is as it was in one look at the database; of an event instance, whose row is locked, it stays
so until the transaction ends.
"""

from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.creation import Attendee, NewBooking
from booking.domain.holds import Hold, check_live
from booking.domain.place import Place
from booking.domain.visit import Given, Visit, at_instance, check_shape
from booking.store import clients, holds, occupancy, places, spots
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


async def take_hold(
    conn: Connection, actor: Actor, new: NewBooking, now: datetime
) -> tuple[Hold | None, frozenset[int]]:
    """Take the hold that a new booking is made of, if it is, and answer it with the resources that it gave up.

    Raises:
        HoldExpiredError: there is no such hold.
    """
    if new.hold_id is None:
        return None, frozenset()
    hold = check_live(await holds.take(conn, actor, new.hold_id), now)
    await spots.release_holds(conn, [hold.id])
    return hold, frozenset(await occupancy.release_holds(conn, [hold.id]))


async def known_client(conn: Connection, actor: Actor, new: NewBooking) -> Attendee | None:
    """Read who the client is, where that matters: staff name one, or a client names nobody."""
    client_id = new.client_id or (actor.client_id if new.attendee is None else None)
    return None if client_id is None else await clients.attendee(conn, actor.org_id, client_id)
