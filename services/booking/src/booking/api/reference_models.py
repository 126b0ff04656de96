"""What reference data looks like in requests and answers.

Invariant: a `New…` model's fields are those of the domain's class; a `Changed…` model's fields may be left out, and
only those of `New…` that may be null may be null there.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from booking.api.fields import UNSET, Body, Identifier, LocationType, Name, PartySize, UtcSeconds
from chassis.web import Output, TimeZone

WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class OpenHours(Body):
    """One stretch of a day; an end that is not after the start lies on the next day."""

    start: WallTime
    end: WallTime


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WeeklyHours = Annotated[
    dict[Weekday, Annotated[list[OpenHours], Field(max_length=24)]] | None,
    Field(description="When bookings are taken; null: at any time. A day left out is closed, and {} is always closed."),
]
Capacity = Annotated[int, Field(ge=1, le=1000)]
Duration = Annotated[int, Field(ge=1, le=31 * 24 * 60)]
Buffer = Annotated[int, Field(ge=0, le=24 * 60)]


class Stored(Output):
    """What every kind shares."""

    id: str
    created_at: UtcSeconds
    updated_at: UtcSeconds


class NewLocation(Body):
    """A place to make."""

    name: Name
    timezone: TimeZone
    auto_confirm: bool = False


class ChangedLocation(Body):
    """What changes about a place."""

    name: Name = UNSET
    timezone: TimeZone = UNSET
    auto_confirm: bool = UNSET


class Location(Stored):
    """A place."""

    name: str
    timezone: str
    auto_confirm: bool


class NewTable(Body):
    """A table to make."""

    location_id: Identifier
    name: Name
    min_party: PartySize = 1
    max_party: PartySize


class ChangedTable(Body):
    """What changes about a table; it stays at its location."""

    name: Name = UNSET
    min_party: PartySize = UNSET
    max_party: PartySize = UNSET


class Table(Stored):
    """A table."""

    location_id: str
    name: str
    min_party: int
    max_party: int


class NewSchedule(Body):
    """A schedule to make."""

    name: Name
    timezone: TimeZone
    weekly_hours: WeeklyHours = None
    capacity: Capacity = 1
    auto_confirm: bool = False


class ChangedSchedule(Body):
    """What changes about a schedule."""

    name: Name = UNSET
    timezone: TimeZone = UNSET
    weekly_hours: WeeklyHours = None
    capacity: Capacity = UNSET
    auto_confirm: bool = UNSET


class Schedule(Stored):
    """A schedule."""

    name: str
    timezone: str
    weekly_hours: dict[str, list[dict[str, str]]] | None
    capacity: int
    auto_confirm: bool


class NewEventType(Body):
    """A kind of appointment to make. `requires_confirmation` null follows the schedule or location."""

    name: Name
    schedule_id: Identifier | None = None
    duration_minutes: Duration
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    requires_confirmation: bool | None = None
    location_type: LocationType | None = None


class ChangedEventType(Body):
    """What changes about a kind of appointment."""

    name: Name = UNSET
    schedule_id: Identifier | None = None
    duration_minutes: Duration = UNSET
    buffer_before_minutes: Buffer = UNSET
    buffer_after_minutes: Buffer = UNSET
    requires_confirmation: bool | None = None
    location_type: LocationType | None = None


class EventType(Stored):
    """A kind of appointment."""

    name: str
    schedule_id: str | None
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    requires_confirmation: bool | None
    location_type: str | None
