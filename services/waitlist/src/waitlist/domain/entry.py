"""The waitlist entry, and its place in a queue.

Invariant: an entry waits for a location's tables on a date or for an event instance's spots, never for both, and that
stays so. A queue is ordered by priority, the greater first, then by joining, then by id.
"""

from dataclasses import dataclass
from datetime import date, datetime

from waitlist.domain.actors import ActorName
from waitlist.domain.status import LIVE, Status


@dataclass(frozen=True)
class Contact:
    """How to reach a guest."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The record.

    Attributes:
        queue: in which it has its place.
        preferred_start: the text as it was asked for, and so `preferred_end`.
        window_start: the instant that this stands for, and so `window_end`.
        notes_by: who wrote the notes; None where nobody did, or it is not known.
        sequence: the number of its latest event; they count without a gap.
        last_event_id: the id of that event; the next one's is greater.
    """

    id: str
    org_id: str
    queue: str
    location_id: str | None
    requested_date: date | None
    event_instance_id: str | None
    client_id: str | None
    contact: Contact | None
    party_size: int
    preferred_start: str | None
    preferred_end: str | None
    window_start: datetime | None
    window_end: datetime | None
    priority: int
    notes: str | None
    notes_by: ActorName | None
    source_name: str | None
    channel: str | None
    time_zone: str | None
    matter_uid: str | None
    initiator: ActorName
    status: Status
    booking_id: str | None
    joined_at: datetime
    updated_at: datetime
    version: int
    sequence: int
    last_event_id: str | None

    @property
    def place(self) -> str:
        """What it waits for, on whatever date: a location, or an event instance."""
        return str(self.event_instance_id or self.location_id)

    @property
    def is_live(self) -> bool:
        """Tell whether it has a place in its queue."""
        return self.status in LIVE

    @property
    def turn(self) -> tuple[int, datetime, str]:
        """Where it stands among the entries of its queue: whose turn is smaller is asked before it."""
        return -self.priority, self.joined_at, self.id


@dataclass(frozen=True)
class Placed:
    """An entry, and its place in the queue: 1 and those ahead of it; None if it has none.

    Attributes:
        wait_minutes: how long it probably waits from now on; None where nobody asked, or can tell.
    """

    entry: Entry
    position: int | None
    wait_minutes: int | None = None


@dataclass(frozen=True)
class Waited:
    """What the entries of a queue wait for: an event instance, or a location's tables on a date."""

    event_instance_id: str | None = None
    location_id: str | None = None
    requested_date: date | None = None


def waited_for(queue: str) -> Waited:
    """Tell what a queue is for, by its name."""
    location_id, is_of_a_location, day = queue.partition("/")
    if not is_of_a_location:
        return Waited(event_instance_id=queue)
    return Waited(location_id=location_id, requested_date=date.fromisoformat(day))


def queue_of(location_id: str | None, requested_date: date | None, event_instance_id: str | None) -> str:
    """Name a queue: that of an event instance, or that for a location's tables on a date."""
    if event_instance_id is not None:
        return event_instance_id
    return f"{location_id}/{requested_date}"
