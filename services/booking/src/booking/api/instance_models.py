"""What event instances look like in requests and answers (seed 002's family).

Invariant: what a change leaves out stays as it is, and only the location can be set to null.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from booking.api.booking_models import Attendee, Metadata, Source
from booking.api.fields import UNSET, Body, Identifier, Instant, InstantOrDate, Name, PartySize, UtcSeconds
from booking.api.parts import PartQuery
from booking.domain import creation
from booking.domain.creation import NewBooking
from booking.domain.instances import EventInstance, InstanceFilter, InstanceStatus, NewInstance
from chassis.web import Output, Text, TimeZone

MaxAttendance = Annotated[int, Field(ge=1, le=100_000)]


def _scheduled(status: object) -> object:
    if status != InstanceStatus.SCHEDULED:
        raise PydanticCustomError("status", "must be scheduled; a POST to /cancel cancels")
    return status


class InstanceBody(Body):
    """An event instance to make. What is left out, or null, is as its service says."""

    service_id: Identifier
    title: Name | None = None
    start_time: Instant
    end_time: Instant | None = None
    timezone: TimeZone | None = None
    location_id: Identifier | None = None
    max_attendance: MaxAttendance | None = None

    def new_instance(self) -> NewInstance:
        """Tell the use case what is asked for."""
        return NewInstance(**self.model_dump())


class ChangedInstance(Body):
    """What changes about an event instance; `scheduled` brings a cancelled one back, without its registrations."""

    title: Name = UNSET
    start_time: Instant = UNSET
    end_time: Instant = UNSET
    timezone: TimeZone = UNSET
    location_id: Identifier | None = None
    max_attendance: MaxAttendance = UNSET
    status: Annotated[Literal["scheduled"], BeforeValidator(_scheduled)] = UNSET

    def changes(self) -> dict[str, object]:
        """Tell the use case what is to change."""
        given = self.model_dump(exclude_unset=True)
        return {name: InstanceStatus(value) if name == "status" else value for name, value in given.items()}


class CancelBody(Body):
    """Why an event instance is cancelled."""

    reason: Text | None = None


class RegistrationBody(Body):
    """Who comes to an event instance, and how many. A client who is known need not be described again."""

    client_id: Identifier | None = None
    attendee: Attendee | None = None
    party_size: PartySize = 1
    source: Source = "registration"
    metadata: Metadata = Field(default_factory=dict)

    def new_booking(self, instance_id: str) -> NewBooking:
        """Tell the use case what is asked for."""
        return NewBooking(
            visit={"event_instance_id": instance_id, "party_size": self.party_size},
            client_id=self.client_id,
            attendee=None if self.attendee is None else creation.Attendee(**self.attendee.model_dump()),
            source=self.source,
            metadata=self.metadata,
        )


class InstanceQuery(PartQuery):
    """The filters of a list of event instances: those that start from `from` on and until `to`, both included."""

    service_id: Identifier | None = None
    location_id: Identifier | None = None
    status: InstanceStatus | None = None
    since: Annotated[InstantOrDate | None, Field(alias="from")] = None
    until: Annotated[InstantOrDate | None, Field(alias="to")] = None

    @property
    def filter(self) -> InstanceFilter:
        """The filters, as the use case takes them."""
        return InstanceFilter(
            service_id=self.service_id,
            location_id=self.location_id,
            status=self.status,
            starts_from=self.since,
            starts_until=self.until,
        )


class Instance(Output):
    """An event instance; `attendance` counts registrations and live holds."""

    uid: str
    service_id: str
    title: str
    start_time: UtcSeconds
    end_time: UtcSeconds
    timezone: str
    location_id: str | None
    max_attendance: int
    attendance: int
    remaining: int
    status: InstanceStatus
    created_at: UtcSeconds
    updated_at: UtcSeconds

    @classmethod
    def of(cls, instance: EventInstance, **more: object) -> Self:
        """Show an instance, with what a kind of answer tells beside it."""
        told = {name: getattr(instance, name) for name in Instance.model_fields if name != "uid"}
        return cls.model_validate({"uid": instance.id, **told, **more})


class CancelledInstance(Instance):
    """A cancelled event instance, and how many registrations ended with it now."""

    cancelled_registrations: int


class DeletedInstance(Output):
    """An event instance that is no more."""

    uid: str
    deleted: Literal[True] = True
