"""A change and what is told of it, written down together.

Invariant: history and outbox hold the same events, in the transaction of the change that they tell of.
"""

from collections.abc import Sequence
from datetime import datetime

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.facts import Fact, NextId, record
from booking.domain.occupancy import Claim
from booking.service.events import entry_of, event_of, message_of
from booking.store import bookings
from booking.store.bookings import Record
from chassis.origin import Origin
from chassis.unit import Unit


async def write(
    unit: Unit,
    before: Booking | None,
    steps: Sequence[tuple[Fact, Booking]],
    actor: Actor,
    origin: Origin,
    *,
    claim: Claim | None,
    now: datetime,
    next_event_id: NextId,
) -> Booking:
    """Store a change with its history and publish its events, under the same ids.

    Args:
        unit: what is written into; it holds the lock of the booking's row, unless that row is new.
        before: the booking as it is stored; None when it is new.
        steps: what happened, each with the booking right after it.
        actor: who did it.
        origin: the request behind it.
        claim: what the booking takes with it.
        now: the current instant.
        next_event_id: makes the events' ids.

    Returns:
        The booking as it is stored now.

    Raises:
        asyncpg.ExclusionViolationError: another was quicker to take what it claims.
    """
    events = record(steps, before, now=now, next_id=next_event_id)
    told = [event_of(event, actor, origin) for event in events]
    booking = events[-1].booking
    entries, messages = [entry_of(event) for event in told], [message_of(event) for event in told]
    store = bookings.insert if before is None else bookings.update
    kept = unit.kept(booking) if before is None else ()
    await store(unit.conn, Record(booking, claim, actor.name, entries, messages, kept))
    unit.publishes()
    return booking
