"""What becomes of holds that end without becoming a booking of just what they held.

Invariant: what a removed hold held falls free, and is told of, in the transaction that removes it. A hold that became a
booking is told of where the booking leaves something of it.
"""

from collections.abc import Sequence
from datetime import datetime

from booking.domain.actors import ActorName
from booking.domain.facts import NextId
from booking.domain.holds import Hold
from booking.domain.occupancy import Freed
from booking.domain.times import LONGEST_BUFFER, Span
from booking.service.claiming import claim_freed
from booking.service.events import message_of, released
from booking.store import occupancy, spots
from chassis import outbox
from chassis.origin import Origin
from chassis.unit import Unit
from slotwire_contracts import ReleaseReason


async def give_back(
    unit: Unit,
    taken: Sequence[Hold],
    reason: ReleaseReason,
    actor: ActorName,
    origin: Origin,
    *,
    now: datetime,
    next_event_id: NextId,
) -> None:
    """Let what holds held fall free, and tell of it.

    Args:
        unit: the transaction that has removed them.
        taken: what they were.
        reason: why they ended.
        actor: who ended them.
        origin: the request behind it.
        now: the current instant.
        next_event_id: makes the events' ids.
    """
    if not taken:
        return
    ids = [hold.id for hold in taken]
    await occupancy.release_holds(unit.conn, ids)
    await spots.release_holds(unit.conn, ids)
    await tell(unit, taken, reason, actor, origin, now=now, next_event_id=next_event_id)


async def tell(
    unit: Unit,
    taken: Sequence[Hold],
    reason: ReleaseReason,
    actor: ActorName,
    origin: Origin,
    *,
    now: datetime,
    next_event_id: NextId,
) -> None:
    """Tell that what holds held has fallen free, those first that wait for it; as `give_back` beside it."""
    told = [released(hold, reason, origin, actor=actor, event_id=next_event_id(None, now), at=now) for hold in taken]
    await outbox.append(unit.conn, [message_of(event) for event in told])
    unit.publishes()
    if left := [_left(hold, hold.schedule_id) for hold in taken if hold.schedule_id is not None]:
        await claim_freed(unit, left, origin, now=now, next_event_id=next_event_id)


def _left(hold: Hold, schedule_id: str) -> Freed:
    """Tell what a hold leaves; how long its buffers were, only its claim knew."""
    return Freed(schedule_id, Span(hold.start_time - LONGEST_BUFFER, hold.end_time + LONGEST_BUFFER))
