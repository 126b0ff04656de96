"""What happens to entries, and the identity that each happening gets.

Invariant: an entry's events are numbered without a gap, their ids rise, and none is told to be before the one ahead.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from slotwire_contracts import RemovalReason
from waitlist.domain.entry import Entry
from waitlist.domain.offer import Offer


@dataclass(frozen=True)
class Joined:
    """It came to be."""


@dataclass(frozen=True)
class Updated:
    """Some of its fields changed.

    Attributes:
        before: the entry as it was.
    """

    before: Entry


@dataclass(frozen=True)
class Removed:
    """It waits no more."""

    reason: RemovalReason


@dataclass(frozen=True)
class Notified:
    """It was offered a place.

    Attributes:
        offer: what, and until when.
        claim_url: where the guest answers.
    """

    offer: Offer
    claim_url: str


@dataclass(frozen=True)
class Converted:
    """It became the booking that it names."""


@dataclass(frozen=True)
class OfferExpired:
    """An offer's time ran out, or its place is gone: the state of the offer tells which."""

    offer: Offer


@dataclass(frozen=True)
class Declined:
    """The guest declined an offer."""

    offer: Offer


Happening = Joined | Updated | Removed | Notified | Converted | OfferExpired | Declined

NextId = Callable[[str | None, datetime], str]
"""Makes an event id that is greater than the one given and carries the instant."""


def numbered(entry: Entry, *, now: datetime, next_id: NextId) -> Entry:
    """Give an entry the version, time and event number with which a change of it is stored and told.

    Args:
        entry: as it is after the change, all but these.
        now: the current instant.
        next_id: makes the event's id.
    """
    at = max(now, entry.updated_at)
    return replace(
        entry,
        updated_at=at,
        version=entry.version + 1,
        sequence=entry.sequence + 1,
        last_event_id=next_id(entry.last_event_id, at),
    )
