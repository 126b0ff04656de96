"""How many bookings there may be: of an event instance's spots, on a schedule's date, within a minute.

Invariant: what is compared with a limit here was counted under a lock that is held until the booking is written.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from booking.domain.errors import SlotUnavailableError, TooManyBookingsError
from booking.domain.place import InstancePlace, SchedulePlace

MINUTE = timedelta(minutes=1)


def check_spots(instance: InstancePlace, wanted: int) -> None:
    """Refuse more people than an event instance has room for (architecture.md section 4, I7).

    Raises:
        SlotUnavailableError: fewer spots are left, or none since it was cancelled.
    """
    if not instance.is_scheduled:
        raise SlotUnavailableError("the event instance is cancelled", param="event_instance_id")
    if wanted > instance.free:
        told = "is full" if instance.free <= 0 else f"has {instance.free} spots left, not {wanted}"
        raise SlotUnavailableError(
            f"the event instance {told}", param="event_instance_id", details={"remaining": max(0, instance.free)}
        )


def check_day(schedule: SchedulePlace, booked: int) -> None:
    """Refuse one booking more than a schedule takes on a date.

    Raises:
        SlotUnavailableError: so many are booked already.
    """
    limit = schedule.max_bookings_per_day
    if limit is not None and booked >= limit:
        raise SlotUnavailableError(
            f"the schedule takes at most {limit} bookings a day",
            param="start_time",
            details={"max_bookings_per_day": limit},
        )


def check_pace(schedule: SchedulePlace, recent: Sequence[datetime], *, now: datetime) -> None:
    """Refuse one booking more than a schedule takes within a minute.

    Args:
        schedule: with its limit.
        recent: when bookings were made within the last minute, the one in question as the last of them.
        now: the current instant.

    Raises:
        TooManyBookingsError: that is one too many; `details` tells in how many seconds another may be made.
    """
    limit = schedule.max_bookings_per_minute
    if limit is not None and len(recent) > limit:
        wait = max(1, -int(-(recent[-1 - limit] + MINUTE - now).total_seconds() // 1))
        raise TooManyBookingsError(
            f"the schedule takes at most {limit} new bookings a minute",
            param="schedule_id",
            details={"max_bookings_per_minute": limit, "retry_after": wait},
        )
