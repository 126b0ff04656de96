"""A schedule's limits, heeded by whoever makes or moves a booking there.

Invariant: bookings are counted behind the schedule's gate, one writer after another, so that no two of them both take
the last place of a date.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from booking.domain.hours import day_span
from booking.domain.limits import check_day, check_pace
from booking.domain.place import SchedulePlace
from booking.domain.times import local_date
from booking.store import gates, limits
from chassis.postgres import Connection


@asynccontextmanager
async def heeded(
    conn: Connection, schedule: SchedulePlace | None, start: datetime, *, made: int, now: datetime
) -> AsyncIterator[None]:
    """Do as `heed` for a block that writes: in a transaction, which only a schedule with limits needs.

    Raises:
        TooManyBookingsError, SlotUnavailableError: as `heed` says.
    """
    if schedule is None or not schedule.is_limited:
        yield
        return
    async with conn.transaction():
        await heed(conn, schedule, start, made=made, now=now)
        yield


async def heed(
    conn: Connection,
    schedule: SchedulePlace | None,
    start: datetime,
    *,
    made: int,
    now: datetime,
    except_id: str | None = None,
) -> None:
    """Wait at a schedule's gate, and refuse what would be too much.

    Args:
        conn: the transaction that goes on to write.
        schedule: whose limits; without one, or without limits, nobody waits and nothing is refused.
        start: when the booking is to start.
        made: how many bookings are new, rather than moved.
        now: the current instant.
        except_id: the booking that moves, or the hold that becomes one.

    Raises:
        TooManyBookingsError, SlotUnavailableError: as the rules of `booking.domain.limits` say.
    """
    if schedule is None or not schedule.is_limited:
        return
    recent = await gates.enter(conn, schedule.schedule_id, made=made, now=now)
    if made:
        check_pace(schedule, recent, now=now)
    if schedule.max_bookings_per_day is not None:
        day = local_date(start, schedule.timezone)
        booked = await limits.bookings_by_date(
            conn,
            schedule.schedule_id,
            schedule.timezone,
            day_span(day, schedule.timezone),
            now=now,
            except_id=except_id,
        )
        check_day(schedule, booked.get(day, 0))
