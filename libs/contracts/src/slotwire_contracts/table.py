"""A table of a location.

Invariant: a table stays at its location and takes one reservation or hold at a time.
"""

from typing import Annotated, Literal

from pydantic import Field

from slotwire_contracts.data import NoChange, ResourceData
from slotwire_contracts.envelope import KnownEvent
from slotwire_contracts.field_changes import AnyChanges
from slotwire_contracts.model import ContractModel
from slotwire_contracts.times import Instant

__all__ = ["Table", "TableCreated", "TableDeleted", "TableEvent", "TableUpdated"]


class Table(ContractModel):
    """A table at one moment; a field without a value is null, never absent."""

    id: str
    """Never changes, and is the key of its records."""
    location_id: str
    section_id: str | None
    """The part of the location in which it stands."""
    name: str
    min_party: Annotated[int, Field(ge=1)]
    """The smallest party that it is for."""
    max_party: Annotated[int, Field(ge=1)]
    """The largest party that it is for."""
    combinable: bool
    """Whether it may be put together with others for a larger party."""
    created_at: Instant
    updated_at: Instant


class TableCreated(KnownEvent[ResourceData[Table, NoChange]]):
    """It came to be."""

    type: Literal["table.created"]


class TableUpdated(KnownEvent[ResourceData[Table, AnyChanges]]):
    """Its details were edited."""

    type: Literal["table.updated"]


class TableDeleted(KnownEvent[ResourceData[Table, NoChange]]):
    """It is gone."""

    type: Literal["table.deleted"]


TableEvent = Annotated[TableCreated | TableUpdated | TableDeleted, Field(discriminator="type")]
"""Any event of a table; `type` tells which."""
