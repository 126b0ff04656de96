"""The use case of looking for free time.

Invariant: what is offered was free in one look at the database; only booking it makes it one's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from booking.domain.actors import Actor
from booking.domain.availability import Search, Slot, grid_of, groups, looked_at, slots, window_of
from booking.domain.checks import check_known
from booking.domain.times import Span
from booking.store import availability, places
from chassis.clock import Clock
from chassis.postgres import Database


@dataclass(frozen=True)
class Offer:
    """What can be booked, and the zone of the place."""

    slots: Sequence[Slot]
    zone: str


class Availability:
    """Looking for free time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(self, actor: Actor, search: Search) -> Offer:
        """Find what can be booked of a schedule, a location's tables, or both.

        Raises:
            ValidationFailedError: an id names nothing, the window is out of bounds, or nothing says how long it lasts.
        """
        now = self._clock().replace(microsecond=0) + timedelta(seconds=1)
        async with self._database.connection() as conn:
            place = await places.read(
                conn,
                actor.org_id,
                Span(now, now + timedelta(seconds=1)),
                now=now,
                schedule_id=search.schedule_id,
                location_id=search.location_id,
                event_type_id=search.event_type_id,
            )
            check_known(
                place,
                schedule_id=search.schedule_id,
                location_id=search.location_id,
                event_type_id=search.event_type_id,
            )
            grid = grid_of(search, place)
            window = window_of(search, place.zone, grid, now=now)
            if window.start == window.end:
                return Offer((), place.zone)
            numbers = [number for group in groups(search, place) for number in group]
            taken = await availability.taken(
                conn, numbers, looked_at(window, grid), except_booking=search.exclude_booking_id, now=now
            )
        return Offer(slots(search, place, window, grid, taken), place.zone)
