"""What a reservation's events tell beside the snapshot; the history feed shows it as `data` (seed 003).

Invariant: a change says enough to be understood without the snapshots before and after it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from slotwire_contracts.field_changes import CountChange, FieldChange, InstantChange, OptionalTextChange, TextChange
from slotwire_contracts.metadata import Metadata
from slotwire_contracts.model import ContractModel, omitted_when_none
from slotwire_contracts.reservation import LocationType

__all__ = [
    "Change",
    "CreatedChange",
    "FieldChanges",
    "StatusWord",
    "TablesChange",
    "TransitionChange",
    "UpdatedChange",
]

StatusWord = Literal[
    "pending", "confirmed", "declined", "late", "partially_seated", "seated", "completed", "cancelled", "no_show"
]
"""A status as changes write it: in lower case."""


class CreatedChange(ContractModel):
    """Where the reservation came from, for how many; an open object: some ways of booking add context."""

    model_config = ConfigDict(extra="allow")

    source: str
    party_size: Annotated[int, Field(ge=1)]
    waitlist_entry_id: str | None = omitted_when_none()
    """The waitlist entry that it was made of, where it was."""


class TransitionChange(ContractModel):
    """The status before and after, and why it moved if somebody said so."""

    from_status: StatusWord
    to_status: StatusWord
    reason: str | None = omitted_when_none()


class LocationTypeChange(FieldChange[LocationType | None]):
    """The way to meet was set, replaced or taken away."""


class MetadataChange(FieldChange[Metadata]):
    """The integrator's own object was replaced as a whole."""


class FieldChanges(ContractModel):
    """The changed ones of the fields that integrators follow; the others are absent."""

    start_time: InstantChange | None = omitted_when_none()
    end_time: InstantChange | None = omitted_when_none()
    timezone: TextChange | None = omitted_when_none()
    party_size: CountChange | None = omitted_when_none()
    title: OptionalTextChange | None = omitted_when_none()
    location: OptionalTextChange | None = omitted_when_none()
    location_type: LocationTypeChange | None = omitted_when_none()
    attendee_name: TextChange | None = omitted_when_none()
    attendee_email: TextChange | None = omitted_when_none()
    attendee_phone: OptionalTextChange | None = omitted_when_none()
    attendee_timezone: OptionalTextChange | None = omitted_when_none()
    attendee_notes: OptionalTextChange | None = omitted_when_none()
    source: TextChange | None = omitted_when_none()
    metadata: MetadataChange | None = omitted_when_none()


class UpdatedChange(ContractModel):
    """The fields that changed; none when only tables did."""

    changes: FieldChanges


class TablesChange(ContractModel):
    """The tables that were given or taken."""

    table_ids: tuple[str, ...]


Change = CreatedChange | TransitionChange | UpdatedChange | TablesChange
"""Any change."""
