"""The kinds of reference data as values.

Invariant: the fields of each class are the columns of its table and the keys of its representation, in this order. No
value breaks a rule that its own fields tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.hours import DateOverrides, WeeklyHours


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One thing of reference data, without its id and dates."""

    @property
    def lanes(self) -> int:
        """How many bookings it takes at once; 0 when bookings occupy nothing of it."""
        return 0

    def settled(self, named: Mapping[str, Any]) -> Self:
        """Answer it with what those that it names give it.

        Args:
            named: the entity that each of its references names, by the reference's field.

        Raises:
            ValidationFailedError: they do not go with it or with each other.
        """
        del named
        return self


@dataclass(frozen=True, kw_only=True)
class Location(Entity):
    """A place with a time zone; its tables are what bookings occupy.

    Attributes:
        weekly_hours: when it is open; None: at any time, so that an empty mapping is closed on every day.
        date_overrides: when it is open on single dates, instead of the weekly hours.
        visit_minutes: how long a visit lasts where nothing else says so.
        interval_minutes: the distance of the starts that are offered where nothing else says so.
        one_per_attendee: whether an attendee has at most one active booking that starts at the same time.
        complete_after_minutes: how long after its end a booking completes by itself; None: never.
    """

    name: str
    timezone: str
    auto_confirm: bool = False
    weekly_hours: WeeklyHours | None = None
    date_overrides: DateOverrides = field(default_factory=dict)
    visit_minutes: int = 90
    interval_minutes: int = 15
    one_per_attendee: bool = True
    complete_after_minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Section(Entity):
    """A part of a location: a room, a terrace."""

    location_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Table(Entity):
    """A table of a location, for parties of `min_party` to `max_party` people.

    Attributes:
        section_id: the part of the location in which it stands.
        combinable: whether it may be put together with others of its section, or of none as it.
    """

    location_id: str
    section_id: str | None = None
    name: str
    min_party: int
    max_party: int
    combinable: bool = False

    def __post_init__(self) -> None:
        if self.max_party < self.min_party:
            raise ValidationFailedError(Flaw("max_party", "must not be below min_party", "min_party"))

    @property
    def lanes(self) -> int:
        """A table takes one booking at a time."""
        return 1

    def settled(self, named: Mapping[str, Any]) -> Self:
        """Stand in a section of the table's own location only."""
        section = named.get("section_id")
        if section is not None and section.location_id != self.location_id:
            told = "must be the id of a section of the table's own location"
            raise ValidationFailedError(Flaw("section_id", told, "location_id"))
        return self


@dataclass(frozen=True, kw_only=True)
class Schedule(Entity):
    """What takes up to `capacity` appointments at a time.

    Attributes:
        weekly_hours: as for a location.
        date_overrides: as for a location.
        max_bookings_per_day: how many may start on one of its dates; None: as many as fit.
        max_bookings_per_minute: how many may be made within a minute, whenever they are to be; None: any number.
        one_per_attendee: as for a location.
        complete_after_minutes: as for a location.
    """

    name: str
    timezone: str
    weekly_hours: WeeklyHours | None = None
    date_overrides: DateOverrides = field(default_factory=dict)
    capacity: int = 1
    auto_confirm: bool = False
    max_bookings_per_day: int | None = None
    max_bookings_per_minute: int | None = None
    one_per_attendee: bool = True
    complete_after_minutes: int | None = 60

    @property
    def lanes(self) -> int:
        """A schedule has as many lanes as its capacity."""
        return self.capacity


@dataclass(frozen=True, kw_only=True)
class EventType(Entity):
    """A kind of appointment. Without `requires_confirmation` it follows its schedule or location.

    Attributes:
        durations_minutes: the lengths that may be booked; None: any.
        interval_minutes: the distance of the starts that may be booked; None: a booking may start anywhere.
        minimum_notice_minutes: how long before its start it may be booked at the latest.
        horizon_days: how many days before its start it may be booked at the earliest; None: at any time.
    """

    name: str
    schedule_id: str | None = None
    duration_minutes: int
    durations_minutes: Sequence[int] | None = None
    interval_minutes: int | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 0
    horizon_days: int | None = None
    requires_confirmation: bool | None = None
    location_type: str | None = None

    def __post_init__(self) -> None:
        if self.durations_minutes is not None and self.duration_minutes not in self.durations_minutes:
            told = f"must contain duration_minutes, which is {self.duration_minutes}"
            raise ValidationFailedError(Flaw("durations_minutes", told, "duration_minutes"))


@dataclass(frozen=True, kw_only=True)
class Client(Entity):
    """Somebody who books, known by name."""

    name: str
    email: str
    phone: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Service(Entity):
    """What event instances are occurrences of (seed 002); they take from it what nothing else says.

    Attributes:
        service_type: `event`, or `appointment`.
        timezone: its location's if it is left out.
        duration_minutes: how long an occurrence lasts.
        max_attendance: how many spots an occurrence has.
        complete_after_minutes: as for a location.
    """

    name: str
    service_type: str
    description: str | None = None
    location_id: str | None = None
    timezone: str | None = None
    duration_minutes: int = 60
    max_attendance: int = 10
    requires_confirmation: bool = False
    complete_after_minutes: int | None = 60

    def settled(self, named: Mapping[str, Any]) -> Self:
        """Take the location's time zone where none is given."""
        if self.timezone is not None:
            return self
        location = named.get("location_id")
        if location is None:
            raise ValidationFailedError(Flaw("timezone", "must be given without a location_id", "missing"))
        return replace(self, timezone=location.timezone)
