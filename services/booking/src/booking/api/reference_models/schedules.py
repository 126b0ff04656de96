"""What schedules and event types look like in requests and answers.

Invariant: as that of `booking.api.reference_models.fields`.
"""

from pydantic import Field

from booking.api.fields import UNSET, Body, Identifier, LocationType, Name
from booking.api.reference_models.fields import (
    Buffer,
    Capacity,
    CompleteAfter,
    DateOverrides,
    Duration,
    Durations,
    Horizon,
    Limit,
    Notice,
    ShownWeek,
    Stored,
    WeeklyHours,
)
from chassis.web import TimeZone


class NewSchedule(Body):
    """A schedule to make."""

    name: Name
    timezone: TimeZone
    weekly_hours: WeeklyHours = None
    date_overrides: DateOverrides = Field(default_factory=dict)
    capacity: Capacity = 1
    auto_confirm: bool = False
    max_bookings_per_day: Limit | None = None
    max_bookings_per_minute: Limit | None = None
    one_per_attendee: bool = True
    complete_after_minutes: CompleteAfter = 60


class ChangedSchedule(Body):
    """What changes about a schedule."""

    name: Name = UNSET
    timezone: TimeZone = UNSET
    weekly_hours: WeeklyHours = None
    date_overrides: DateOverrides = UNSET
    capacity: Capacity = UNSET
    auto_confirm: bool = UNSET
    max_bookings_per_day: Limit | None = None
    max_bookings_per_minute: Limit | None = None
    one_per_attendee: bool = UNSET
    complete_after_minutes: CompleteAfter = None


class Schedule(Stored):
    """A schedule."""

    name: str
    timezone: str
    weekly_hours: ShownWeek | None
    date_overrides: ShownWeek
    capacity: int
    auto_confirm: bool
    max_bookings_per_day: int | None
    max_bookings_per_minute: int | None
    one_per_attendee: bool
    complete_after_minutes: int | None


class NewEventType(Body):
    """A kind of appointment to make. `requires_confirmation` null follows the schedule or location."""

    name: Name
    schedule_id: Identifier | None = None
    duration_minutes: Duration
    durations_minutes: Durations | None = None
    interval_minutes: Duration | None = None
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    minimum_notice_minutes: Notice = 0
    horizon_days: Horizon | None = None
    requires_confirmation: bool | None = None
    location_type: LocationType | None = None


class ChangedEventType(Body):
    """What changes about a kind of appointment."""

    name: Name = UNSET
    schedule_id: Identifier | None = None
    duration_minutes: Duration = UNSET
    durations_minutes: Durations | None = None
    interval_minutes: Duration | None = None
    buffer_before_minutes: Buffer = UNSET
    buffer_after_minutes: Buffer = UNSET
    minimum_notice_minutes: Notice = UNSET
    horizon_days: Horizon | None = None
    requires_confirmation: bool | None = None
    location_type: LocationType | None = None


class EventType(Stored):
    """A kind of appointment."""

    name: str
    schedule_id: str | None
    duration_minutes: int
    durations_minutes: list[int] | None
    interval_minutes: int | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    minimum_notice_minutes: int
    horizon_days: int | None
    requires_confirmation: bool | None
    location_type: str | None
