"""What bookings look like in requests (seed 001, and api.md section 2).

Invariant: what a change leaves out stays as it is, and only what a new booking may leave empty can be set to null.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from booking.api.fields import UNSET, Body, Identifier, Instant, InstantOrDate, LocationType, Name, PageQuery, PartySize
from booking.api.visit_models import TableIds, VisitBody, needed
from booking.domain import creation
from booking.domain.change import Change
from booking.domain.creation import NewBooking
from booking.domain.listing import BookingFilter
from booking.domain.status import Status
from chassis.web import Email, Output, Text, TimeZone

Phone = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Notes = Annotated[str, StringConstraints(max_length=5000)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Metadata = dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Any]


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


class Held(Body):
    """What a hold tells."""

    hold_id: Identifier | None = None


class BookingBody(VisitBody, Held):
    """A booking to make: of a schedule, of a location's tables, of both, of an event instance, or of a hold."""

    client_id: Identifier | None = None
    timezone: TimeZone | None = None
    title: Name | None = None
    location: Text | None = None
    location_type: LocationType | None = None
    attendee: Annotated[Attendee | None, AfterValidator(needed), Field(validate_default=True)] = None
    metadata: Metadata = Field(default_factory=dict)
    source: Annotated[Source, Field(description="`waitlist` where a `waitlist_entry_id` is given.")] = "api"
    waitlist_entry_id: Identifier | None = None
    status: Literal["SEATED"] | None = None

    def new_booking(self) -> NewBooking:
        """Tell the use case what is asked for."""
        return NewBooking(
            visit=self.given,
            hold_id=self.hold_id,
            client_id=self.client_id,
            attendee=None if self.attendee is None else creation.Attendee(**self.attendee.model_dump()),
            timezone=self.timezone,
            title=self.title,
            location=self.location,
            location_type=self.location_type,
            metadata=self.metadata,
            source=self.source if "source" in self.model_fields_set else None,
            waitlist_entry_id=self.waitlist_entry_id,
            seated=self.status is not None,
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


class BulkStatus(Body):
    """A status for several bookings."""

    ids: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    status: Status
    reason: Text | None = None
    correction: bool = False

    @property
    def change(self) -> Change:
        """What is to change about each of them."""
        return Change(status=self.status, reason=self.reason, correction=self.correction)


class Refused(Output):
    """Why a booking was left as it was."""

    code: str
    message: str
    param: str | None
    details: dict[str, Any] | None


class BulkResult(Output):
    """What became of one of the bookings: the status that it has now, or else why it was refused."""

    id: str
    status: str | None
    error: Refused | None


class BookingQuery(PageQuery):
    """The filters of a list of bookings."""

    schedule_id: Identifier | None = None
    event_type_id: Identifier | None = None
    location_id: Identifier | None = None
    event_instance_id: Identifier | None = None
    client_id: Identifier | None = None
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
            client_id=self.client_id,
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
