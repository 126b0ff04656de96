"""A location: a place with a time zone, whose tables reservations take.

Invariant: opening hours are wall times of the location's own zone; a day that the hours do not name is closed.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.data import NoChange, ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.field_changes import AnyChanges
from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant

__all__ = ["Location", "LocationCreated", "LocationDeleted", "LocationEvent", "LocationUpdated", "OpenHours", "Weekday"]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class OpenHours(ContractModel):
    """One stretch of a day, `HH:MM` to `HH:MM`; an end that is not after the start lies on the next day."""

    start: WallTime
    end: WallTime


class Location(ContractModel):
    """A location at one moment; a field without a value is null, never absent."""

    id: str
    """Never changes, and is the key of its records."""
    name: str
    timezone: str
    """Its IANA time zone."""
    auto_confirm: bool
    """Whether new reservations are confirmed at once."""
    weekly_hours: dict[Weekday, tuple[OpenHours, ...]] | None
    """When it is open in any week; null: at any time."""
    date_overrides: dict[date, tuple[OpenHours, ...]]
    """When it is open on single dates, instead of the weekly hours; no stretch at all: closed."""
    visit_minutes: Annotated[int, Field(ge=1)]
    """How long a visit lasts where nobody says otherwise."""
    interval_minutes: Annotated[int, Field(ge=1)]
    """How far apart the times lie at which a visit may be offered."""
    one_per_attendee: bool
    """Whether an attendee has at most one active reservation that starts at the same time."""
    complete_after_minutes: Annotated[int, Field(ge=0)] | None
    """How long after its end a reservation completes by itself; null: never."""
    created_at: Instant
    updated_at: Instant


class LocationCreated(KnownEvent[ResourceData[Location, NoChange]]):
    """It came to be."""

    type: Literal["location.created"]


class LocationUpdated(KnownEvent[ResourceData[Location, AnyChanges]]):
    """Its details were edited."""

    type: Literal["location.updated"]


class LocationDeleted(KnownEvent[ResourceData[Location, NoChange]]):
    """It is gone."""

    type: Literal["location.deleted"]


LocationEvent = Annotated[LocationCreated | LocationUpdated | LocationDeleted, Field(discriminator="type")]
"""Any event of a location; `type` tells which."""
