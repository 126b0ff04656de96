"""The use case of looking for free time.

Invariant: what is offered was free in one look at the database; only booking it makes it one's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from booking.domain.actors import Actor
from booking.domain.availability import Slot, resources, slots
from booking.domain.booking import Booking
from booking.domain.checks import check_known
from booking.domain.place import SchedulePlace
from booking.domain.search import Grid, Search, grid_of, looked_at, whole_dates, window_of
from booking.domain.stretches import Stretch
from booking.domain.times import Span
from booking.store import availability, bookings, limits, places
from chassis.clock import Clock
from chassis.postgres import Connection, Database


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
            ValidationFailedError: an id names nothing, or as `grid_of` and `window_of` say.
        """
        now = self._clock()
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
            moving = await _moving(conn, actor, search.exclude_booking_id)
            grid = grid_of(search, place, moving)
            window = window_of(search, place, grid, now=now)
            if window.start == window.end:
                return Offer((), place.zone)
            span, except_id = looked_at(window, grid), moving.id if moving else None
            blocked = await availability.blocked(conn, resources(place), span, grid, except_id=except_id, now=now)
            unplaced = await _unplaced(conn, place.schedule, span, grid, except_id=except_id)
            booked = await _booked(conn, place.schedule, window, except_id=except_id, now=now)
        found = slots(place, search.party_size, window, grid, blocked=blocked, booked=booked, unplaced=unplaced)
        return Offer(found, place.zone)


async def _moving(conn: Connection, actor: Actor, booking_id: str | None) -> Booking | None:
    """Read the booking that is to move; one that is not in the actor's reach is in the way as it is."""
    return None if booking_id is None else await bookings.fetch(conn, actor, booking_id)


async def _unplaced(
    conn: Connection, schedule: SchedulePlace | None, span: Span, grid: Grid, *, except_id: str | None
) -> list[Stretch]:
    """Read what takes place on a schedule without having a lane."""
    if schedule is None:
        return []
    return await availability.unplaced(conn, schedule.schedule_id, span, grid, except_id=except_id)


async def _booked(
    conn: Connection, schedule: SchedulePlace | None, window: Span, *, except_id: str | None, now: datetime
) -> dict[date, int]:
    """Count what a daily limit counts on the dates of a window; without one there is nothing to count."""
    if schedule is None or schedule.max_bookings_per_day is None:
        return {}
    dates = whole_dates(window, schedule.timezone)
    return await limits.bookings_by_date(
        conn, schedule.schedule_id, schedule.timezone, dates, now=now, except_id=except_id
    )
