"""Where a booking takes place: what decides about it, of the reference data and of what is taken, as one read tells.

Invariant: everything here belongs to the booking's own organization. What is taken may have changed since it was read:
only the claim itself is certain.
"""

from dataclasses import dataclass

from booking.domain.hours import WeeklyHours


@dataclass(frozen=True)
class SchedulePlace:
    """A schedule and the resource numbers of its lanes, in the order they are to be filled."""

    schedule_id: str
    timezone: str
    weekly_hours: WeeklyHours | None
    auto_confirm: bool
    lanes: tuple[int, ...]


@dataclass(frozen=True)
class TablePlace:
    """A table, its resource number and the sizes of party it is for."""

    table_id: str
    resource_no: int
    min_party: int
    max_party: int


@dataclass(frozen=True)
class LocationPlace:
    """A location and its tables, the smallest first."""

    location_id: str
    timezone: str
    auto_confirm: bool
    tables: tuple[TablePlace, ...]


@dataclass(frozen=True)
class Appointment:
    """What the event type says. `requires_confirmation` None leaves it to the place."""

    event_type_id: str
    schedule_id: str | None
    requires_confirmation: bool | None
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int


@dataclass(frozen=True)
class Place:
    """What was found of the schedule, location and event type that a booking names.

    Attributes:
        taken: numbers of those of its resources that others have in the time that was asked about.
        held: numbers of the resources that the booking itself has, at whatever time.
    """

    schedule: SchedulePlace | None = None
    location: LocationPlace | None = None
    appointment: Appointment | None = None
    taken: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()

    @property
    def tables(self) -> tuple[TablePlace, ...]:
        """The tables of the location, none without one."""
        return self.location.tables if self.location else ()

    @property
    def zone(self) -> str:
        """The location's zone or, without a location, the schedule's (events.md section 3)."""
        found = self.location or self.schedule
        if found is None:
            raise AssertionError("a request without a place passed its checks")
        return found.timezone

    @property
    def buffers(self) -> tuple[int, int]:
        """The minutes before and after a visit that the event type keeps free."""
        appointment = self.appointment
        return (appointment.buffer_before_minutes, appointment.buffer_after_minutes) if appointment else (0, 0)
