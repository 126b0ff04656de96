"""A reservation as the world sees it: the full snapshot in events, and the one representation of the HTTP API.

Invariant: the fields stand in this order everywhere (api.md section 2); a field without a value is null, never absent.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant

__all__ = ["LocationType", "Reservation", "ReservationStatus"]


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


class Reservation(ContractModel):
    """A reservation at one moment.

    Attributes:
        start_time: when it starts; the end is not part of it, so that another may start right then.
        timezone: the IANA zone in which the reservation is meant.
        table_ids: the tables it has, in the order in which they were given.
        source: where it came from, e.g. `api`, `widget`, `waitlist`.
        version: counts changes; of two snapshots of a reservation the greater is the later.
    """

    id: str
    schedule_id: str | None
    start_time: Instant
    end_time: Instant
    status: ReservationStatus
    title: str | None
    attendee_name: str
    attendee_email: str
    created_at: Instant
    event_type_id: str | None
    timezone: str
    location: str | None
    location_type: LocationType | None
    attendee_phone: str | None
    attendee_timezone: str | None
    attendee_notes: str | None
    metadata: dict[str, Any] = Field(default_factory=dict)
    location_id: str | None
    table_ids: tuple[str, ...]
    party_size: Annotated[int, Field(ge=1)]
    source: str
    event_instance_id: str | None
    version: Annotated[int, Field(ge=1)]
    updated_at: Instant
