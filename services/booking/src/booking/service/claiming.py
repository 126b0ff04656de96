"""Bookings from elsewhere whose time was taken when they came, and that claim it when it falls free.

Invariant: whatever frees time of a schedule offers it to those that wait for it, in its own transaction. What is missed
so, because two were at it at once or more lanes were opened, the next look finds.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from functools import partial

from booking.domain.actors import Actor
from booking.domain.booking import Booking
from booking.domain.errors import SlotUnavailableError
from booking.domain.facts import NextId, Updated
from booking.domain.occupancy import Freed, stored_span
from booking.service.occupying import find
from booking.service.recording import write
from booking.store import external, places
from booking.store.contention import retrying, unless_lost
from chassis.clock import Clock
from chassis.ids import Ids
from chassis.lifecycle import Stop
from chassis.origin import Origin
from chassis.unit import Unit, UnitOfWork

_LOOK_SECONDS = 5.0
BATCH = 200
_MAKING_ROOM = 2  # as a second attempt, it takes expired holds out of its way


async def claim_freed(
    unit: Unit, freed: Collection[Freed] | None, origin: Origin, *, now: datetime, next_event_id: NextId
) -> int:
    """Let those that wait for their time claim what of it is free, and answer how many looked for it.

    Args:
        unit: the transaction that has freed something.
        freed: what it has freed; None: all there is is looked at.
        origin: what is behind it.
        now: the current instant.
        next_event_id: makes the events' ids.
    """
    waiting = await external.claimable(unit.conn, freed, BATCH, now=now)
    for booking in waiting:
        claim = partial(_claim, unit, booking, origin, now=now, next_event_id=next_event_id)
        await unless_lost(unit.conn, claim)
    return len(waiting)


async def _claim(unit: Unit, before: Booking, origin: Origin, *, now: datetime, next_event_id: NextId) -> None:
    """Let a booking claim its time; if an earlier one of those that waited took it, it goes on waiting."""
    span = stored_span(before)
    place = await places.read(
        unit.conn,
        before.org_id,
        span,
        now=now,
        schedule_id=before.schedule_id,
        location_id=None,
        holder_id=before.id,
        widened=False,
    )
    try:
        claim = await find(
            unit.conn, before, replace(place, unplaced=0), span, chosen=None, now=now, attempt=_MAKING_ROOM
        )
    except SlotUnavailableError:
        return
    after = replace(before, conflict=False, version=before.version + 1, updated_at=now)
    actor = Actor(before.org_id, "system")
    steps = [(Updated({}), after)]
    await write(unit, before, steps, actor, origin, claim=claim, now=now, next_event_id=next_event_id)


class Claims:
    """Looks for time that fell free and was not claimed."""

    def __init__(self, units: UnitOfWork, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._clock = clock
        self._new_request_id = partial(ids.new, "req")
        self._next_event_id = partial(ids.following, "evt")

    async def run(self, stop: Stop) -> None:
        """Look again and again until asked to stop."""
        while not await stop.wait(_LOOK_SECONDS):
            await self.claim_due()

    async def claim_due(self) -> int:
        """Claim what is free, a batch at most, and answer how many bookings looked for it."""
        return await retrying(self._claim_due)

    async def _claim_due(self, _attempt: int) -> int:
        async with self._units.begin() as unit:
            origin = Origin(self._new_request_id())
            return await claim_freed(unit, None, origin, now=self._clock(), next_event_id=self._next_event_id)
