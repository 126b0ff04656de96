"""The status machine of an entry (architecture.md section 6).

Invariant: a status changes only along an edge of `TRANSITIONS`; an entry that is not live never is again.
"""

from collections.abc import Mapping
from enum import StrEnum

from waitlist.domain.errors import InvalidTransitionError


class Status(StrEnum):
    """Where an entry stands."""

    WAITING = "waiting"
    NOTIFIED = "notified"
    CONVERTED = "converted"
    EXPIRED = "expired"
    REMOVED = "removed"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.NOTIFIED, Status.CONVERTED, Status.EXPIRED, Status.REMOVED}),
    Status.NOTIFIED: frozenset({Status.WAITING, Status.CONVERTED, Status.EXPIRED, Status.REMOVED}),
    Status.CONVERTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.REMOVED: frozenset(),
}

LIVE = frozenset(status for status, targets in TRANSITIONS.items() if targets)
"""What has a place in its queue."""


def check_transition(before: Status, after: Status) -> None:
    """Refuse a change of status that the machine does not allow.

    Args:
        before: the status that the entry has.
        after: the status that it is to have; not the same.

    Raises:
        InvalidTransitionError: there is no such edge.
    """
    if after not in TRANSITIONS[before]:
        raise InvalidTransitionError(
            f"{_article(before)} {before} entry cannot become {after}",
            param="status",
            details={"fromStatus": before.value, "toStatus": after.value},
        )


def _article(status: Status) -> str:
    return "an" if status is Status.EXPIRED else "a"
