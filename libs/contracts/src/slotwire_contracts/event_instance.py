"""An event instance: one dated occurrence of a service, with a number of spots.

Invariant: `attendance` counts every spot that is taken, held ones too, so that the rest of `max_attendance` is free.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.data import ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.field_changes import CountChange, FieldChange, InstantChange, OptionalTextChange, TextChange
from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.times import Instant

__all__ = [
    "CalledOffChange",
    "EventInstance",
    "EventInstanceCancelled",
    "EventInstanceChanges",
    "EventInstanceEvent",
    "EventInstanceStatus",
    "EventInstanceUpdated",
    "EventInstanceUpdatedChange",
]


class EventInstanceStatus(StrEnum):
    """Whether an event instance takes place."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class EventInstance(ContractModel):
    """An event instance at one moment; a field without a value is null, never absent."""

    id: str
    """Never changes, and is the key of its records."""
    service_id: str
    """What it is an occurrence of."""
    title: str
    start_time: Instant
    """When it starts."""
    end_time: Instant
    """When it ends."""
    timezone: str
    """The IANA time zone in which it is meant."""
    location_id: str | None
    """Where it takes place."""
    max_attendance: Annotated[int, Field(ge=1)]
    """How many spots it has."""
    attendance: Annotated[int, Field(ge=0)]
    """How many spots are taken, holds included."""
    status: EventInstanceStatus
    created_at: Instant
    updated_at: Instant


class EventInstanceStatusChange(FieldChange[EventInstanceStatus]):
    """It was called off, or takes place after all."""


class EventInstanceChanges(ContractModel):
    """The changed ones of the fields that matter to who books it; the others are absent."""

    title: TextChange | None = omitted_when_none()
    start_time: InstantChange | None = omitted_when_none()
    end_time: InstantChange | None = omitted_when_none()
    timezone: TextChange | None = omitted_when_none()
    location_id: OptionalTextChange | None = omitted_when_none()
    max_attendance: CountChange | None = omitted_when_none()
    status: EventInstanceStatusChange | None = omitted_when_none()


class EventInstanceUpdatedChange(ContractModel):
    """The fields that changed."""

    changes: EventInstanceChanges


class CalledOffChange(ContractModel):
    """Why it does not take place; `event_cancelled` where nobody said more."""

    reason: str | None = omitted_when_none()


class EventInstanceUpdated(KnownEvent[ResourceData[EventInstance, EventInstanceUpdatedChange]]):
    """Its details were edited."""

    type: Literal["event_instance.updated"]


class EventInstanceCancelled(KnownEvent[ResourceData[EventInstance, CalledOffChange]]):
    """It does not take place."""

    type: Literal["event_instance.cancelled"]


EventInstanceEvent = Annotated[EventInstanceUpdated | EventInstanceCancelled, Field(discriminator="type")]
"""Any event of an event instance; `type` tells which."""
