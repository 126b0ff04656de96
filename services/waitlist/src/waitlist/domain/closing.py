"""When waiting ends without anybody's doing (architecture.md section 6).

Invariant: nobody's waiting ends as long as what they wait for can still be offered; who is offered something is asked
first.
"""

from dataclasses import replace
from datetime import datetime

from waitlist.domain.entry import Entry
from waitlist.domain.happening import Removed
from waitlist.domain.joining import Told
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status, check_transition
from waitlist.domain.times import day_span

_LAST_ZONE = "Etc/GMT+12"  # where a date ends last


def over(entry: Entry, told: Told, policy: Policy, *, now: datetime) -> Removed | None:
    """Tell why an entry's waiting is over, None if it is not.

    Args:
        entry: the entry.
        told: what booking tells of its place; nothing, where that is gone.
        policy: that of the place.
        now: the current instant.
    """
    if entry.status is not Status.WAITING:
        return None
    if entry.event_instance_id is not None and (told.instance is None or told.instance.cancelled):
        return Removed("event_cancelled")
    return Removed("expired") if now >= policy.cut_off(_latest_start(entry, told)) else None


def closed(entry: Entry, why: Removed) -> Entry:
    """End the waiting of an entry.

    Raises:
        InvalidTransitionError: it is not live.
    """
    status = Status.EXPIRED if why.reason == "expired" else Status.REMOVED
    check_transition(entry.status, status)
    return replace(entry, status=status)


def _latest_start(entry: Entry, told: Told) -> datetime:
    """Tell before when a visit would have to start."""
    if told.instance is not None:
        return told.instance.start_time
    if entry.window_end is not None:
        return entry.window_end
    if entry.requested_date is None:
        raise AssertionError("an entry waits for an event instance or for a date")
    return day_span(entry.requested_date, _LAST_ZONE if told.location is None else told.location.timezone).end
