"""A waitlist entry as the world sees it: the full snapshot in events, and the one representation of the HTTP API.

Invariant: every key is written in camelCase (seed 000), also inside; a field without a value is null, never absent.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant, PreciseInstant

__all__ = ["CamelModel", "WaitlistContact", "WaitlistEntry", "WaitlistInitiator", "WaitlistStatus"]


class CamelModel(ContractModel):
    """A model whose keys are camelCase where it is written."""

    model_config = ConfigDict(alias_generator=to_camel)


class WaitlistStatus(StrEnum):
    """Where an entry stands; it has its place in the queue while it waits or is notified."""

    WAITING = "waiting"
    NOTIFIED = "notified"
    CONVERTED = "converted"
    EXPIRED = "expired"
    REMOVED = "removed"


class WaitlistInitiator(StrEnum):
    """Who put an entry on the waitlist."""

    CLIENT = "client"
    STAFF = "staff"
    SYSTEM = "system"


class WaitlistContact(CamelModel):
    """How to reach a guest."""

    name: str | None
    email: str | None
    phone: str | None


class WaitlistEntry(CamelModel):
    """A waitlist entry at one moment.

    It waits for a table of a location on a date, or for spots of an event instance.
    """

    id: str
    """Never changes, and is the key of its records."""
    location_id: str | None
    """The place whose tables it waits for."""
    user_id: str | None
    """The client who waits."""
    requested_date: date | None
    """The date in the location's time zone."""
    party_size: Annotated[int, Field(ge=1)]
    """For how many it is."""
    preferred_start_time: str | None
    """As it was asked for: `HH:MM` in the location's time zone, or an instant."""
    preferred_end_time: str | None
    """As it was asked for: `HH:MM` in the location's time zone, or an instant."""
    status: WaitlistStatus
    event_instance_id: str | None
    """The dated occurrence of a service whose spots it waits for."""
    contact: WaitlistContact | None
    """How to reach the guest, where somebody said so."""
    priority: int
    """A greater one is asked first; among equals the one that joined first."""
    notes: str | None
    window_start: Instant | None
    """When the visit may begin at the earliest; null: when the location opens."""
    window_end: Instant | None
    """When the visit is to be over at the latest; null: when the location closes."""
    source_name: str | None
    channel: str | None
    time_zone: str | None
    matter_uid: str | None
    initiator: WaitlistInitiator
    booking_id: str | None
    """The reservation that it became."""
    joined_at: PreciseInstant
    """Since when it waits."""
    updated_at: PreciseInstant
    version: Annotated[int, Field(ge=1)]
    """Counts changes; of two snapshots of an entry the greater is the later."""
