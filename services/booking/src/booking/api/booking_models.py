"""What bookings look like in requests (seed 001, and api.md section 2).

Invariant: what a change leaves out stays as it is, and only what a new booking may leave empty can be set to null.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from booking.api.fields import UNSET, Body, Identifier, Instant, InstantOrDate, LocationType, Name, PageQuery, PartySize
from booking.domain.change import Change
from booking.domain.creation import NewBooking
from booking.domain.listing import BookingFilter
from booking.domain.status import Status
from chassis.web import Email, Output, Text, TimeZone

Phone = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Notes = Annotated[str, StringConstraints(max_length=5000)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Metadata = dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Any]
TableIds = Annotated[list[Identifier], Field(max_length=50)]


class Attendee(Body):
    """Who comes."""

    name: Name
    email: Email
    phone: Phone | None = None
    timezone: TimeZone | None = None
    notes: Notes | None = None


class ChangedAttendee(Body):
    """What changes about who comes."""

    name: Name = UNSET
    email: Email = UNSET
    phone: Phone | None = None
    timezone: TimeZone | None = None
    notes: Notes | None = None


class BookingBody(Body):
    """A booking to make. `schedule_id` is required unless a `location_id` is given."""

    location_id: Identifier | None = None
    schedule_id: Annotated[Identifier | None, Field(validate_default=True)] = None
    event_type_id: Identifier | None = None
    table_ids: TableIds | None = None
    start_time: Instant
    end_time: Instant
    timezone: TimeZone | None = None
    title: Name | None = None
    location: Text | None = None
    location_type: LocationType | None = None
    attendee: Attendee
    metadata: Metadata = Field(default_factory=dict)
    party_size: PartySize = 1
    source: Source = "api"
    status: Literal["SEATED"] | None = None
    override_availability: bool = False

    @field_validator("schedule_id")
    @classmethod
    def _has_a_place(cls, schedule_id: str | None, info: ValidationInfo) -> str | None:
        """Told as a flaw of the field, so that it stands beside every other; a bad `location_id` is told itself."""
        if schedule_id is None and info.data.get("location_id", "") is None:
            raise PydanticCustomError("missing", "must be given without a location_id")
        return schedule_id

    def new_booking(self) -> NewBooking:
        """Tell the use case what is asked for."""
        return NewBooking(
            schedule_id=self.schedule_id,
            event_type_id=self.event_type_id,
            location_id=self.location_id,
            table_ids=None if self.table_ids is None else tuple(self.table_ids),
            start_time=self.start_time,
            end_time=self.end_time,
            timezone=self.timezone,
            title=self.title,
            location=self.location,
            location_type=self.location_type,
            attendee_name=self.attendee.name,
            attendee_email=self.attendee.email,
            attendee_phone=self.attendee.phone,
            attendee_timezone=self.attendee.timezone,
            attendee_notes=self.attendee.notes,
            metadata=self.metadata,
            party_size=self.party_size,
            source=self.source,
            seated=self.status is not None,
            override_availability=self.override_availability,
        )


class ChangedBooking(Body):
    """What changes about a booking; a null clears what may be empty."""

    start_time: Instant = UNSET
    end_time: Instant = UNSET
    timezone: TimeZone = UNSET
    title: Name | None = None
    location: Text | None = None
    location_type: LocationType | None = None
    attendee: ChangedAttendee = UNSET
    metadata: Metadata = UNSET
    party_size: PartySize = UNSET
    source: Source = UNSET
    table_ids: TableIds = UNSET
    status: Status = UNSET
    reason: Text | None = None
    correction: bool = False
    override_availability: bool = False

    def change(self, if_version: int | None) -> Change:
        """Tell the use case what is to change."""
        given = self.model_dump(exclude_unset=True)
        details = {name: given[name] for name in _PLAIN_DETAILS if name in given}
        details |= {f"attendee_{name}": value for name, value in given.get("attendee", {}).items()}
        return Change(
            details=details,
            metadata=given.get("metadata", {}),
            table_ids=tuple(given["table_ids"]) if "table_ids" in given else None,
            status=given.get("status"),
            reason=self.reason,
            correction=self.correction,
            override_availability=self.override_availability,
            if_version=if_version,
        )


_PLAIN_DETAILS = (
    "start_time",
    "end_time",
    "timezone",
    "title",
    "location",
    "location_type",
    "party_size",
    "source",
)


class BookingQuery(PageQuery):
    """The filters of a list of bookings."""

    schedule_id: Identifier | None = None
    event_type_id: Identifier | None = None
    location_id: Identifier | None = None
    event_instance_id: Identifier | None = None
    status: Status | None = None
    upcoming: bool = False
    start_date: InstantOrDate | None = None
    end_date: InstantOrDate | None = None
    attendee_email: Annotated[str, StringConstraints(min_length=1, max_length=254)] | None = None

    @property
    def filter(self) -> BookingFilter:
        """The filters, as the use case takes them."""
        return BookingFilter(
            schedule_id=self.schedule_id,
            event_type_id=self.event_type_id,
            location_id=self.location_id,
            event_instance_id=self.event_instance_id,
            status=self.status,
            starts_from=self.start_date,
            starts_until=self.end_date,
            attendee_email=self.attendee_email,
        )


class Cancelled(Output):
    """What a cancelled booking is answered with."""

    id: str
    status: str
    cancelled: bool
