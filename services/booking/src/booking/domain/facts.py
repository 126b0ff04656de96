"""What can happen to a booking: a closed union, turned into the public catalog's events by the service.

Invariant: a booking's events are numbered without a gap, their ids rise and their times never fall.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from booking.domain.booking import Booking, FieldChange
from booking.domain.status import Status


@dataclass(frozen=True)
class Created:
    """The booking came to be; `walk_in` when its guests sit already, and of a waitlist entry where that is named."""

    source: str
    party_size: int
    walk_in: bool
    waitlist_entry_id: str | None = None


@dataclass(frozen=True)
class Updated:
    """Details changed. No change at all is told when only tables did (events.md section 2)."""

    changes: Mapping[str, FieldChange]


@dataclass(frozen=True)
class Assigned:
    """Tables were given to the booking."""

    table_ids: tuple[str, ...]


@dataclass(frozen=True)
class Unassigned:
    """Tables were taken from the booking."""

    table_ids: tuple[str, ...]


@dataclass(frozen=True)
class StatusChanged:
    """The status moved along an edge of the machine."""

    before: Status
    after: Status
    reason: str | None


Fact = Created | Updated | Assigned | Unassigned | StatusChanged

NextId = Callable[[str | None, datetime], str]
"""Makes an event id that is greater than the one given and carries the instant."""


@dataclass(frozen=True)
class Event:
    """A fact with its identity, and the booking as it was right after it."""

    id: str
    sequence: int
    at: datetime
    fact: Fact
    booking: Booking


def record(
    steps: Iterable[tuple[Fact, Booking]], previous: Booking | None, *, now: datetime, next_id: NextId
) -> list[Event]:
    """Give the facts of one change their identities.

    Args:
        steps: each fact with the booking right after it, in order.
        previous: the booking before the change; None when it is new.
        now: the current instant.
        next_id: makes the ids.

    Returns:
        The events; the last one's booking is the one to store.
    """
    first = previous.sequence + 1 if previous else 1
    last_id = previous.last_event_id if previous else None
    at = max(now, previous.last_event_at) if previous else now
    events = []
    for sequence, (fact, booking) in enumerate(steps, first):
        last_id = next_id(last_id, at)
        after = replace(booking, sequence=sequence, last_event_id=last_id, last_event_at=at)
        events.append(Event(last_id, sequence, at, fact, after))
    return events
