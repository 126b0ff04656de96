"""What Cal.com's statuses are in ours (scheduling.md section 2).

Cal.com knows no end: that a booking took place, or that nobody came, follows from our clock.

Invariant: a status follows from the row and the moment alone, never from the status before it, as Cal.com moves
backwards too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calcom_sync.domain.row import Row
from slotwire_contracts import CalcomAttendee, CalcomBooking, CalcomStatus

GRACE = timedelta(minutes=15)
"""How long after its end a booking is not said to be over, as the host may still mark who did not come."""

RESCHEDULED, REJECTED, DELETED = "rescheduled", "rejected", "deleted"


def standing(row: Row, now: datetime, grace: timedelta = GRACE) -> tuple[CalcomStatus, str | None] | None:
    """Tell where a booking stands and why; None for a status that nobody knows.

    Args:
        row: as Cal.com has it.
        now: the current instant.
        grace: how long after its end it is still on.
    """
    match row.status:
        case "pending" | "awaiting_host":
            return CalcomStatus.PENDING, None
        case "accepted":
            return _by_clock(row.end, row.attendees, now, grace), None
        case "cancelled":
            return CalcomStatus.CANCELLED, _why_cancelled(row)
        case "rejected":
            return CalcomStatus.CANCELLED, REJECTED
        case _:
            return None


def is_due(snapshot: CalcomBooking, now: datetime, grace: timedelta = GRACE) -> bool:
    """Tell whether a booking is over by now and is still told to be on.

    It is to be read again then: who came is marked late, and no update of the booking tells of it.
    """
    return snapshot.status is CalcomStatus.CONFIRMED and now - grace >= snapshot.end_time


def aged(snapshot: CalcomBooking, now: datetime, grace: timedelta = GRACE) -> CalcomBooking:
    """Tell how a booking stands if Cal.com has not changed it since."""
    if not is_due(snapshot, now, grace):
        return snapshot
    return snapshot.model_copy(update={"status": _by_clock(snapshot.end_time, snapshot.attendees, now, grace)})


def deleted(snapshot: CalcomBooking) -> CalcomBooking:
    """Tell how a booking stands that Cal.com does not have any more; one that was called off stays as it was."""
    if snapshot.status is CalcomStatus.CANCELLED:
        return snapshot
    return snapshot.model_copy(update={"status": CalcomStatus.CANCELLED, "status_reason": DELETED})


def _by_clock(end: datetime, attendees: Sequence[CalcomAttendee], now: datetime, grace: timedelta) -> CalcomStatus:
    if now - grace < end:  # not `end + grace`, which could leave the range of datetime
        return CalcomStatus.CONFIRMED
    nobody_came = bool(attendees) and all(attendee.absent for attendee in attendees)
    return CalcomStatus.NO_SHOW if nobody_came else CalcomStatus.COMPLETED


def _why_cancelled(row: Row) -> str | None:
    if row.rescheduled_to or row.rescheduled_by:
        return RESCHEDULED
    # The reason of the move that led here stays in this field where a cancellation gives none.
    return None if row.cancellation_reason == row.rescheduling_reason else row.cancellation_reason or None
