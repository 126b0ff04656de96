"""A hold: a short claim on resources or spots, which blocks them exactly as a reservation does until it expires.

Invariant: what is released occupies nothing any more; a hold that became a reservation of all that it claimed is not
released.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.data import ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant

__all__ = ["Hold", "HoldReleased", "ReleaseChange", "ReleaseReason"]


class Hold(ContractModel):
    """A hold at one moment; a field without a value is null, never absent."""

    id: str
    """Never changes, and is the key of its records."""
    schedule_id: str | None
    """The schedule that it occupies, if it is by schedule."""
    location_id: str | None
    """The place whose tables it takes."""
    event_type_id: str | None
    """The kind of appointment that it is for."""
    event_instance_id: str | None
    """The dated occurrence of a service that it takes spots of."""
    table_ids: tuple[str, ...]
    """The tables that it has."""
    party_size: Annotated[int, Field(ge=1)]
    """For how many it is."""
    start_time: Instant
    """When what it claims starts."""
    end_time: Instant
    """When what it claims ends; another may start right then."""
    expires_at: Instant
    """From when on it blocks nothing."""
    created_at: Instant


class ReleaseReason(StrEnum):
    """Why a hold ended: its time ran out, somebody gave it back, or what it was for does not take place."""

    EXPIRED = "expired"
    RELEASED = "released"
    CANCELLED = "cancelled"


class ReleaseChange(ContractModel):
    """Why what it claimed is free."""

    reason: ReleaseReason


class HoldReleased(KnownEvent[ResourceData[Hold, ReleaseChange]]):
    """It ended and became no reservation of all that it claimed; what no reservation has of it is free."""

    type: Literal["hold.released"]
