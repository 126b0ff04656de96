"""The kinds of reference data: what tells one from another, so that one mechanism serves them all.

Invariant: a kind's name is its table's and its collection's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from booking.domain.actors import Actor
from booking.domain.reference.entities import (
    Client,
    Entity,
    EventType,
    Location,
    Schedule,
    Section,
    Service,
    Table,
)

T = TypeVar("T", bound=Entity)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of reference data.

    Attributes:
        name: its collection, as a table is named: `event_types`.
        prefix: what its ids begin with.
        entity: its class.
        references: fields that hold another kind's id, with that kind.
        kept_in_use: fields that stay as they are while anything uses it.
        emits: whether its changes are told as events.
        personal: whether a client key reaches the one that it is bound to, and no other.
    """

    name: str
    prefix: str
    entity: type[T]
    references: Mapping[str, "Kind[Any]"] = field(default_factory=dict)
    kept_in_use: frozenset[str] = frozenset()
    emits: bool = False
    personal: bool = False

    @property
    def noun(self) -> str:
        """What one of them is called: `event type`."""
        return self.name.removesuffix("s").replace("_", " ")

    def only(self, actor: Actor) -> str | None:
        """Answer the id of the only one in the actor's reach; None: every one of the organization is."""
        return actor.client_id if self.personal else None


@dataclass(frozen=True)
class Stored(Generic[T]):
    """An entity with its identity and dates.

    Attributes:
        sequence: the number of its latest event; 0 before the first. They count without a gap.
        last_event_id: the id of that event; the next one's is greater.
        deleted_at: since when it is not there any more for whoever asks.
    """

    id: str
    entity: T
    created_at: datetime
    updated_at: datetime
    sequence: int = 0
    last_event_id: str | None = None
    deleted_at: datetime | None = None


LOCATIONS = Kind("locations", "loc", Location, emits=True)
SECTIONS = Kind("sections", "sct", Section, references={"location_id": LOCATIONS})
TABLES = Kind("tables", "tbl", Table, references={"location_id": LOCATIONS, "section_id": SECTIONS}, emits=True)
SCHEDULES = Kind("schedules", "sch", Schedule)
EVENT_TYPES = Kind("event_types", "evt", EventType, references={"schedule_id": SCHEDULES})
CLIENTS = Kind("clients", "cli", Client, personal=True)
SERVICES = Kind(
    "services",
    "srv",
    Service,
    references={"location_id": LOCATIONS},
    kept_in_use=frozenset({"service_type"}),
)
