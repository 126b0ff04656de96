"""A booking of Cal.com as it was found there, in this project's words; and what became of it here.

A reschedule in Cal.com makes a new booking with a new uid and calls the old one off. All the uids of such a chain are
one booking here, so everything is kept under the chain's id: the uid of its first booking.

Invariant: a snapshot is whole: it says all that is known of the chain at one moment, and needs no earlier one. A field
without a value is null, never absent.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slotwire_contracts.envelope import Text
from slotwire_contracts.metadata import Metadata
from slotwire_contracts.model import ContractModel
from slotwire_contracts.reservation import LocationType
from slotwire_contracts.times import Instant, PreciseInstant

__all__ = [
    "CalcomAttendee",
    "CalcomBooking",
    "CalcomEventType",
    "CalcomHost",
    "CalcomOutcome",
    "CalcomProblem",
    "CalcomResult",
    "CalcomStatus",
]


class CalcomStatus(StrEnum):
    """Where it stands, in the words of a reservation."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


class CalcomEventType(ContractModel):
    """What Cal.com calls the kind of appointment."""

    id: int | None
    slug: str | None


class CalcomHost(ContractModel):
    """Who receives the attendees."""

    name: str
    email: str


class CalcomAttendee(ContractModel):
    """Somebody who was invited."""

    name: str
    email: str
    phone: str | None
    timezone: str | None
    absent: bool
    """Whether the host marked them as not having come."""
    seat_uid: str | None
    """The seat that they have, where the booking has seats."""


class CalcomBooking(ContractModel):
    """A chain of Cal.com's bookings at one moment."""

    chain_id: Text
    """The uid of the chain's first booking: it never changes, and is the key of its records."""
    uid: Text
    """The uid under which Cal.com has it now."""
    uids: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Every uid of the chain, the oldest first."""
    status: CalcomStatus
    status_reason: str | None
    """Why it stands there: `rescheduled`, `rejected`, `deleted`, or in the words of who called it off."""
    start_time: Instant
    end_time: Instant
    title: str
    description: str | None
    location: str | None
    """Where the two sides meet, in words."""
    location_type: LocationType | None
    timezone: str | None
    """The IANA time zone in which it is meant; null: that of the schedule."""
    schedule_id: Text
    """The schedule here that the integration gives it."""
    event_type_id: Text | None
    """The kind of appointment here that the integration gives it."""
    calcom_event_type: CalcomEventType | None
    host: CalcomHost | None
    attendees: tuple[CalcomAttendee, ...]
    party_size: Annotated[int, Field(ge=1)]
    """How many come."""
    recurring_booking_uid: str | None
    """What the occurrences of one series have in common."""
    absent_host: bool
    """Whether the host did not come."""
    rescheduled_reason: str | None
    """Why it was moved, in the words of who moved it."""
    metadata: Metadata
    """What is kept with it in Cal.com."""
    times_editable: bool
    """Whether the integration lets its times be changed here."""
    created_at: PreciseInstant
    updated_at: PreciseInstant | None
    """When Cal.com changed it last; Cal.com does not always say."""

    @property
    def id(self) -> str:
        """The chain's id, which its events are about."""
        return self.chain_id


class CalcomOutcome(StrEnum):
    """What became of a snapshot: written as new or as a change, already so, older than what is here, or unusable.

    A `conflict` was written too: its time was taken, so it is kept beside what has it.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    STALE = "stale"
    INVALID = "invalid"


class CalcomProblem(ContractModel):
    """Why a snapshot cannot be a reservation here."""

    param: str
    """The field of the snapshot."""
    message: str


class CalcomResult(ContractModel):
    """What became of one snapshot of a chain."""

    chain_id: Text
    uid: Text
    observed_sequence: Annotated[int, Field(ge=1)]
    """The `sequence` of the snapshot's event."""
    booking_id: str | None
    """The reservation that the chain is here; null if it is none."""
    outcome: CalcomOutcome
    conflict: bool
    """Whether the reservation overlaps what has its time."""
    problem: CalcomProblem | None
    """Why it is `invalid`; null if it is not."""

    @property
    def id(self) -> str:
        """The chain's id, which its events are about."""
        return self.chain_id
