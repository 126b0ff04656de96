"""Where a booking takes place: what decides about it, of the reference data and of what is taken, as one read tells.

Invariant: everything here belongs to the booking's own organization. What is taken may have changed since it was read:
only the claim itself is certain.
"""

from dataclasses import dataclass
from datetime import datetime

from booking.domain.hours import ALWAYS, Hours


@dataclass(frozen=True, kw_only=True)
class SchedulePlace:
    """A schedule and the resource numbers of its lanes, in the order they are to be filled.

    Attributes:
        max_bookings_per_day: how many may start on one of its dates; None: as many as fit.
        max_bookings_per_minute: how many may be made within a minute, whenever they are to be; None: any number.
        one_per_attendee: whether an attendee has at most one active booking that starts at the same time.
        complete_after_minutes: how long after its end a booking completes by itself; None: never.
    """

    schedule_id: str
    timezone: str
    hours: Hours = ALWAYS
    auto_confirm: bool = False
    max_bookings_per_day: int | None = None
    max_bookings_per_minute: int | None = None
    one_per_attendee: bool = True
    complete_after_minutes: int | None = None
    lanes: tuple[int, ...]

    @property
    def is_limited(self) -> bool:
        """Tell whether bookings have to be counted before another is made."""
        return self.max_bookings_per_day is not None or self.max_bookings_per_minute is not None


@dataclass(frozen=True)
class TablePlace:
    """A table, its resource number and the sizes of party it is for.

    Attributes:
        section_id: a combinable table goes together with those of the same section, or with those of none as it.
        combinable: whether it may be put together with others for one party.
    """

    table_id: str
    resource_no: int
    min_party: int
    max_party: int
    section_id: str | None = None
    combinable: bool = False


@dataclass(frozen=True, kw_only=True)
class LocationPlace:
    """A location and its tables, the smallest first.

    Attributes:
        visit_minutes: how long a visit lasts where nothing else says so.
        interval_minutes: the distance of the starts that are offered where nothing else says so.
        one_per_attendee: as for a schedule.
        complete_after_minutes: as for a schedule.
    """

    location_id: str
    timezone: str
    hours: Hours = ALWAYS
    auto_confirm: bool = False
    visit_minutes: int = 90
    interval_minutes: int = 15
    one_per_attendee: bool = True
    complete_after_minutes: int | None = None
    tables: tuple[TablePlace, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """What the event type says.

    Attributes:
        requires_confirmation: None leaves it to the place.
        location_type: how the two sides meet where a booking does not say so.
        durations_minutes: the lengths that may be booked; None: any.
        interval_minutes: the distance of the starts that may be booked, counted from where opening hours begin; None:
            a booking may start anywhere.
        minimum_notice_minutes: how long before its start it may be booked at the latest.
        horizon_days: how many days before its start it may be booked at the earliest; None: at any time.
    """

    event_type_id: str
    schedule_id: str | None = None
    requires_confirmation: bool | None = None
    location_type: str | None = None
    duration_minutes: int
    durations_minutes: tuple[int, ...] | None = None
    interval_minutes: int | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 0
    horizon_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class InstancePlace:
    """An event instance, whose spots bookings and holds take.

    Attributes:
        max_attendance: how many spots there are.
        attendance: how many of them are taken; those of `expired` holds are counted here although they are free.
        expired: spots of holds that are past their expiry and not yet given back.
        own: spots that the booking which is looked at has already.
        is_scheduled: whether it takes place, rather than being cancelled.
    """

    instance_id: str
    service_id: str
    location_id: str | None
    timezone: str
    start_time: datetime
    end_time: datetime
    max_attendance: int
    attendance: int
    expired: int = 0
    own: int = 0
    is_scheduled: bool = True
    requires_confirmation: bool = False
    complete_after_minutes: int | None = None

    @property
    def free(self) -> int:
        """How many spots the booking that is looked at may have."""
        return self.max_attendance - self.attendance + self.expired + self.own


@dataclass(frozen=True)
class Place:
    """What was found of the schedule, location and event type that a booking names.

    Attributes:
        taken: numbers of those of its resources that others have in the time that was asked about.
        held: numbers of the resources that the booking itself has, at whatever time.
        unplaced: how many bookings of the schedule take place in that time without having a lane: they came from
            elsewhere when all lanes were taken.
    """

    schedule: SchedulePlace | None = None
    location: LocationPlace | None = None
    appointment: Appointment | None = None
    instance: InstancePlace | None = None
    taken: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    unplaced: int = 0

    @property
    def tables(self) -> tuple[TablePlace, ...]:
        """The tables of the location, none without one."""
        return self.location.tables if self.location else ()

    @property
    def zone(self) -> str:
        """The location's zone, or else the schedule's, or else the event instance's (events.md section 3)."""
        found = self.location or self.schedule or self.instance
        if found is None:
            raise AssertionError("a request without a place passed its checks")
        return found.timezone

    @property
    def one_per_attendee(self) -> bool:
        """Tell whether an attendee has at most one active booking of a slot here; of an event that always holds."""
        found = self.schedule or self.location
        return found is None or found.one_per_attendee

    @property
    def complete_after_minutes(self) -> int | None:
        """How long after its end a booking completes by itself; None: never."""
        found = self.instance or self.schedule or self.location
        return found.complete_after_minutes if found else None

    @property
    def buffers(self) -> tuple[int, int]:
        """The minutes before and after a visit that the event type keeps free."""
        appointment = self.appointment
        return (appointment.buffer_before_minutes, appointment.buffer_after_minutes) if appointment else (0, 0)
