"""What services look like in requests and answers (seed 002).

Invariant: as that of `booking.api.reference_models.fields`. The seed's `uid` is the id.
"""

from typing import Literal

from booking.api.booking_models import Notes
from booking.api.fields import UNSET, Body, Identifier, Name, UtcSeconds
from booking.api.instance_models import MaxAttendance
from booking.api.parts import PartQuery
from booking.api.reference_models.fields import CompleteAfter, Duration
from chassis.web import Output, TimeZone

ServiceType = Literal["event", "appointment"]


class NewService(Body):
    """A service to offer; without a `timezone` it has its location's."""

    name: Name
    service_type: ServiceType
    description: Notes | None = None
    location_id: Identifier | None = None
    timezone: TimeZone | None = None
    duration_minutes: Duration = 60
    max_attendance: MaxAttendance = 10
    requires_confirmation: bool = False
    complete_after_minutes: CompleteAfter = 60


class ChangedService(Body):
    """What changes about a service."""

    name: Name = UNSET
    service_type: ServiceType = UNSET
    description: Notes | None = None
    location_id: Identifier | None = None
    timezone: TimeZone = UNSET
    duration_minutes: Duration = UNSET
    max_attendance: MaxAttendance = UNSET
    requires_confirmation: bool = UNSET
    complete_after_minutes: CompleteAfter = None


class Service(Output):
    """A service."""

    uid: str
    name: str
    service_type: ServiceType
    description: str | None
    location_id: str | None
    timezone: str
    duration_minutes: int
    max_attendance: int
    requires_confirmation: bool
    complete_after_minutes: int | None
    created_at: UtcSeconds
    updated_at: UtcSeconds


class ServiceQuery(PartQuery):
    """Which page of a list is wanted; a `business_id` must be the organization's id."""

    business_id: Identifier | None = None


class DeletedService(Output):
    """A service that is no more."""

    uid: str
    deleted: Literal[True] = True
