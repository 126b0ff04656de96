"""The status machine of a booking (architecture.md section 5).

Invariant: a status changes only along an edge of `TRANSITIONS`; edges in `CORRECTIONS` need the staff's explicit word.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from booking.domain.errors import InvalidTransitionError


class Status(StrEnum):
    """Where a booking stands. The first five are seed 001's."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    DECLINED = "DECLINED"
    LATE = "LATE"
    PARTIALLY_SEATED = "PARTIALLY_SEATED"
    SEATED = "SEATED"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.CONFIRMED, Status.DECLINED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset(
        {
            Status.PENDING,
            Status.LATE,
            Status.PARTIALLY_SEATED,
            Status.SEATED,
            Status.COMPLETED,
            Status.CANCELLED,
            Status.NO_SHOW,
        }
    ),
    Status.LATE: frozenset({Status.PARTIALLY_SEATED, Status.SEATED, Status.CANCELLED, Status.NO_SHOW}),
    Status.PARTIALLY_SEATED: frozenset({Status.SEATED, Status.COMPLETED}),
    Status.SEATED: frozenset({Status.COMPLETED}),
    Status.NO_SHOW: frozenset({Status.CONFIRMED, Status.SEATED}),
    Status.COMPLETED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.DECLINED: frozenset(),
}

CORRECTIONS = frozenset(
    {
        (Status.CONFIRMED, Status.PENDING),
        (Status.NO_SHOW, Status.CONFIRMED),
        (Status.NO_SHOW, Status.SEATED),
    }
)

TERMINAL = frozenset(status for status, targets in TRANSITIONS.items() if not targets)

OCCUPYING = frozenset(
    {Status.PENDING, Status.CONFIRMED, Status.LATE, Status.PARTIALLY_SEATED, Status.SEATED},
)

USING = frozenset(Status) - {Status.CANCELLED, Status.DECLINED}
"""What keeps what it was made with from being deleted: every booking that was not called off, however long ago."""

COUNTED = OCCUPYING | {Status.COMPLETED}
"""What counts to a limit: bookings that were not called off, and whose guests came or may come."""

COMPLETING = frozenset({Status.CONFIRMED, Status.PARTIALLY_SEATED, Status.SEATED})
"""What completes by itself when its time is over."""


def check_transition(before: Status, after: Status, *, start: datetime, now: datetime, correction: bool) -> None:
    """Refuse a change of status that the machine does not allow.

    Args:
        before: the status the booking has.
        after: the status asked for; not the same.
        start: when the booking starts.
        now: the current instant.
        correction: whether staff said that this mends a mistake.

    Raises:
        InvalidTransitionError: there is no such edge, it needs `correction`, or a no-show would be declared before the
            start (which would free a place that a guest is still coming for).
    """
    details = {"from_status": before, "to_status": after}
    if after not in TRANSITIONS[before]:
        raise InvalidTransitionError(f"a {before} booking cannot become {after}", param="status", details=details)
    if (before, after) in CORRECTIONS and not correction:
        raise InvalidTransitionError(
            f"a {before} booking becomes {after} only as a correction: staff send correction: true",
            param="status",
            details=details,
        )
    if after is Status.NO_SHOW and now < start:
        raise InvalidTransitionError(
            "a booking cannot become NO_SHOW before its start", param="status", details=details
        )
