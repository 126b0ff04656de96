"""Reference data: what bookings are made at, for and of.

Invariant: the fields of each class are the columns of its table and the keys of its representation, in this order; so
one mechanism serves all four kinds.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.hours import WeeklyHours
from booking.domain.times import instant_text


class Entity(Protocol):
    """A kind of reference data, without its id and dates: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def lanes(self) -> int:
        """How many bookings it takes at once; 0 when bookings occupy nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place with a time zone; its tables are what bookings occupy."""

    name: str
    timezone: str
    auto_confirm: bool = False

    @property
    def lanes(self) -> int:
        """Nothing of the location itself is occupied."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a location, for parties of `min_party` to `max_party` people."""

    location_id: str
    name: str
    min_party: int
    max_party: int

    def __post_init__(self) -> None:
        if self.max_party < self.min_party:
            raise ValidationFailedError(Flaw("max_party", "must not be below min_party", "min_party"))

    @property
    def lanes(self) -> int:
        """A table takes one booking at a time."""
        return 1


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What takes up to `capacity` appointments at a time.

    Attributes:
        weekly_hours: when it is open; None: at any time, so that an empty mapping is closed on every day.
    """

    name: str
    timezone: str
    weekly_hours: WeeklyHours | None = None
    capacity: int = 1
    auto_confirm: bool = False

    @property
    def lanes(self) -> int:
        """A schedule has as many lanes as its capacity."""
        return self.capacity


@dataclass(frozen=True, kw_only=True)
class EventType:
    """A kind of appointment. Without `requires_confirmation` it follows its schedule or location."""

    name: str
    schedule_id: str | None = None
    duration_minutes: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    requires_confirmation: bool | None = None
    location_type: str | None = None

    @property
    def lanes(self) -> int:
        """An event type is occupied by nobody."""
        return 0


T = TypeVar("T", bound=Entity)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of reference data.

    Attributes:
        name: its collection, as a table is named: `event_types`.
        prefix: what its ids begin with.
        entity: its class.
        references: fields that hold another kind's id, with that kind.
    """

    name: str
    prefix: str
    entity: type[T]
    references: Mapping[str, "Kind[Any]"] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        """What one of them is called: `event type`."""
        return self.name.removesuffix("s").replace("_", " ")


@dataclass(frozen=True)
class Stored(Generic[T]):
    """An entity with its identity and dates."""

    id: str
    entity: T
    created_at: datetime
    updated_at: datetime


LOCATIONS = Kind("locations", "loc", Location)
TABLES = Kind("tables", "tbl", Table, references={"location_id": LOCATIONS})
SCHEDULES = Kind("schedules", "sch", Schedule)
EVENT_TYPES = Kind("event_types", "evt", EventType, references={"schedule_id": SCHEDULES})


@dataclass(frozen=True)
class LaneUse:
    """A lane that bookings hold, and when the last of them ends, its buffers included."""

    lane: int
    until: datetime


def check_lanes(entity: Entity, highest_used: LaneUse | None) -> None:
    """Refuse a capacity that leaves out a lane in use: bookings there would be more than it allows.

    Args:
        entity: with the capacity it is to have.
        highest_used: the highest lane that is in use now or later.

    Raises:
        ValidationFailedError: that lane lies above the capacity.
    """
    if highest_used is not None and highest_used.lane > entity.lanes:
        told = f"must be at least {highest_used.lane}: lane {highest_used.lane} holds bookings until"
        raise ValidationFailedError(Flaw("capacity", f"{told} {instant_text(highest_used.until)}", "in_use"))
