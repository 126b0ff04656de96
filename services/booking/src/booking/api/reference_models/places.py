"""What locations, their sections and their tables look like in requests and answers.

Invariant: as that of `booking.api.reference_models.fields`.
"""

from pydantic import Field

from booking.api.fields import UNSET, Body, Identifier, Name, PartySize
from booking.api.reference_models.fields import (
    CompleteAfter,
    DateOverrides,
    Duration,
    OfferInterval,
    ShownWeek,
    Stored,
    WeeklyHours,
)
from chassis.web import TimeZone


class NewLocation(Body):
    """A place to make."""

    name: Name
    timezone: TimeZone
    auto_confirm: bool = False
    weekly_hours: WeeklyHours = None
    date_overrides: DateOverrides = Field(default_factory=dict)
    visit_minutes: Duration = 90
    interval_minutes: OfferInterval = 15
    one_per_attendee: bool = True
    complete_after_minutes: CompleteAfter = None


class ChangedLocation(Body):
    """What changes about a place."""

    name: Name = UNSET
    timezone: TimeZone = UNSET
    auto_confirm: bool = UNSET
    weekly_hours: WeeklyHours = None
    date_overrides: DateOverrides = UNSET
    visit_minutes: Duration = UNSET
    interval_minutes: OfferInterval = UNSET
    one_per_attendee: bool = UNSET
    complete_after_minutes: CompleteAfter = None


class Location(Stored):
    """A place."""

    name: str
    timezone: str
    auto_confirm: bool
    weekly_hours: ShownWeek | None
    date_overrides: ShownWeek
    visit_minutes: int
    interval_minutes: int
    one_per_attendee: bool
    complete_after_minutes: int | None


class NewSection(Body):
    """A part of a location to make."""

    location_id: Identifier
    name: Name


class ChangedSection(Body):
    """What changes about a part of a location; it stays there."""

    name: Name = UNSET


class Section(Stored):
    """A part of a location."""

    location_id: str
    name: str


class NewTable(Body):
    """A table to make."""

    location_id: Identifier
    section_id: Identifier | None = None
    name: Name
    min_party: PartySize = 1
    max_party: PartySize
    combinable: bool = False


class ChangedTable(Body):
    """What changes about a table; it stays at its location."""

    section_id: Identifier | None = None
    name: Name = UNSET
    min_party: PartySize = UNSET
    max_party: PartySize = UNSET
    combinable: bool = UNSET


class Table(Stored):
    """A table."""

    location_id: str
    section_id: str | None
    name: str
    min_party: int
    max_party: int
    combinable: bool
