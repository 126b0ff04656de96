"""A reservation as the world sees it: the full snapshot in events, and the one representation of the HTTP API.

Invariant: the fields stand in this order everywhere (api.md section 2); a field without a value is null, never absent,
but for `external`, which only a reservation from elsewhere has.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slotwire_contracts.metadata import Metadata
from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.times import Instant

__all__ = ["ExternalBooking", "LocationType", "Reservation", "ReservationStatus"]


class ReservationStatus(StrEnum):
    """Where a reservation stands. Snapshots write it in upper case, changes in lower case."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"
    LATE = "LATE"
    PARTIALLY_SEATED = "PARTIALLY_SEATED"
    SEATED = "SEATED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


class LocationType(StrEnum):
    """How the two sides meet."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    VIDEO = "video"
    CUSTOM = "custom"


class ExternalBooking(ContractModel):
    """What a reservation that was made elsewhere is there."""

    provider: str
    """Where it was made, e.g. `calcom`."""
    uid: str
    """The id that it has there now; a move may give it another."""
    conflict: bool
    """Whether its time was taken here: it overlaps what has it, until that is free."""


class Reservation(ContractModel):
    """A reservation at one moment."""

    id: str
    """Never changes, and is the key of its records."""
    schedule_id: str | None
    """The schedule that it occupies, if it is by schedule."""
    start_time: Instant
    """When it starts."""
    end_time: Instant
    """When it ends; another may start right then."""
    status: ReservationStatus
    title: str | None
    attendee_name: str
    attendee_email: str
    created_at: Instant
    event_type_id: str | None
    """The kind of appointment."""
    timezone: str
    """The IANA time zone in which it is meant."""
    location: str | None
    """Where the two sides meet, in words."""
    location_type: LocationType | None
    attendee_phone: str | None
    attendee_timezone: str | None
    attendee_notes: str | None
    metadata: Metadata = Field(default_factory=dict)
    """What the integrator keeps with it."""
    location_id: str | None
    """The place whose tables it takes."""
    table_ids: tuple[str, ...]
    """The tables that it has."""
    party_size: Annotated[int, Field(ge=1)]
    """How many come."""
    source: str
    """Where it came from, e.g. `api`, `widget`, `waitlist`."""
    event_instance_id: str | None
    """The dated occurrence of a service that it takes a spot of."""
    version: Annotated[int, Field(ge=1)]
    """Counts changes; of two snapshots of a reservation the greater is the later."""
    updated_at: Instant
    external: ExternalBooking | None = omitted_when_none()
    """Where it was made, if not here."""
