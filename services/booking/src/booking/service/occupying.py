"""What a booking or hold occupies: found for a new one, and for a changed one brought to what the change makes of it.

Invariant: time is only given up here. What is to be taken is answered as a claim, which the statement that writes the
booking makes, so that a booking never stands without its time nor time without its booking.
"""

from collections.abc import Collection
from datetime import datetime
from typing import assert_never

from booking.domain.booking import Booking
from booking.domain.change import TableChoice
from booking.domain.limits import check_spots
from booking.domain.occupancy import (
    Claim,
    Claimant,
    Keep,
    Reclaim,
    Release,
    Shorten,
    choose,
    demands,
    plan,
    tables_among,
)
from booking.domain.place import InstancePlace, Place
from booking.domain.times import Span
from booking.store import occupancy, spots
from chassis.postgres import Connection


async def find(
    conn: Connection,
    claimant: Claimant,
    place: Place,
    span: Span,
    *,
    chosen: Collection[str] | None,
    now: datetime,
    attempt: int,
) -> Claim:
    """Find what a booking or hold is to occupy.

    Args:
        conn: where it is going to be written.
        claimant: who needs it.
        place: where, with what is taken in that span.
        span: when, buffers included.
        chosen: the tables that were chosen for it; None when some that fit are to be found.
        now: the current instant.
        attempt: as `choose` says. A claim that failed may have met a hold that has expired: it is taken out of the way.

    Raises:
        SlotUnavailableError: what it needs is taken.
    """
    claim = choose(demands(claimant, place, chosen=chosen), claimant, place, span=span, attempt=attempt)
    if attempt > 1:
        await occupancy.release_expired(conn, claim, now)
    return claim


async def make_room(conn: Connection, instance: InstancePlace, wanted: int, now: datetime) -> None:
    """See to it that so many spots of an event instance, whose row is locked, can be taken.

    Raises:
        SlotUnavailableError: fewer are left.
    """
    check_spots(instance, wanted)
    if instance.expired:
        await spots.release_expired(conn, instance.instance_id, now)


async def reoccupy(
    conn: Connection, before: Booking, after: Booking, place: Place, choice: TableChoice, *, now: datetime, attempt: int
) -> tuple[tuple[str, ...], Claim | None]:
    """Give up what a changed booking no longer occupies, and find what it is to occupy anew.

    Args:
        conn: the change's transaction.
        before: the booking as it is stored.
        after: the booking as it is to be, still with its present tables.
        place: where, with what is taken in the time that it is to occupy.
        choice: the tables it is to have.
        now: the current instant.
        attempt: as `choose` says.

    Returns:
        The tables it has then, and the claim to write it with; None when it takes nothing that it does not have.

    Raises:
        SlotUnavailableError: what it needs is taken.
    """
    kept = before.table_ids if choice.chosen is None else choice.chosen
    if before.spots != after.spots:
        await _take_spots(conn, before, after, now)
    match plan(before, after, reassign=choice.reassign, now=now):
        case Keep():
            return kept, None
        case Release():
            await occupancy.release(conn, before.id)
            return kept, None
        case Shorten(end):
            await occupancy.shorten(conn, before.id, end)
            return kept, None
        case Reclaim(span):
            claim = await find(conn, after, place, span, chosen=choice.chosen, now=now, attempt=attempt)
            await occupancy.release(conn, before.id)
            return (tables_among(place, claim.resource_nos) if choice.chosen is None else kept), claim
        case unknown:
            assert_never(unknown)


async def _take_spots(conn: Connection, before: Booking, after: Booking, now: datetime) -> None:
    """Give a changed booking as many spots of its event instance as it is to have; fewer need no room."""
    if after.spots > before.spots and after.event_instance_id is not None:
        instance = await spots.read(conn, after.org_id, after.event_instance_id, now=now, booking_id=after.id)
        if instance is not None:
            await make_room(conn, instance, after.spots, now)
    await spots.book(conn, after)
