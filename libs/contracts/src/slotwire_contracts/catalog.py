"""The catalog: every type of event, on which topic it travels, and whether integrators are told of it.

Invariant: a type stands here exactly once, and `decode` knows exactly the types that stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from slotwire_contracts import reservation_events as reservations
from slotwire_contracts.envelope import schema_uri
from slotwire_contracts.reservation_events import ReservationEvent
from slotwire_contracts.topics import BOOKING_EVENTS, Topic

__all__ = ["CATALOG", "CatalogEntry", "is_known", "public_types"]

EventModel = type[ReservationEvent]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A type of event.

    Attributes:
        type: its name.
        model: the class that reads and writes it.
        resource: what webhooks call the thing that it is about.
        public: whether the history feed and webhooks show it; the others are bookkeeping, on the topic only.
        topic: where it travels.
    """

    type: str
    model: EventModel
    resource: str
    public: bool
    topic: Topic

    @property
    def dataschema(self) -> str:
        """The name of the schema of its data."""
        return schema_uri(self.type)


def _reservation_entry(model: EventModel, *, public: bool = True) -> CatalogEntry:
    (event_type,) = get_args(model.model_fields["type"].annotation)
    return CatalogEntry(event_type, model, "reservation", public, BOOKING_EVENTS)


_ENTRIES = (
    _reservation_entry(reservations.ReservationCreated),
    _reservation_entry(reservations.ReservationPending),
    _reservation_entry(reservations.ReservationConfirmed),
    _reservation_entry(reservations.ReservationDeclined),
    _reservation_entry(reservations.ReservationLate),
    _reservation_entry(reservations.ReservationPartiallySeated),
    _reservation_entry(reservations.ReservationSeated),
    _reservation_entry(reservations.ReservationCompleted),
    _reservation_entry(reservations.ReservationCancelled),
    _reservation_entry(reservations.ReservationNoShow),
    _reservation_entry(reservations.ReservationUpdated),
    _reservation_entry(reservations.ReservationAssigned, public=False),
    _reservation_entry(reservations.ReservationUnassigned, public=False),
)

CATALOG: Mapping[str, CatalogEntry] = MappingProxyType({entry.type: entry for entry in _ENTRIES})
"""Every type of event by its name (events.md section 2)."""


def public_types() -> tuple[str, ...]:
    """List the types that the history feed and webhooks show, in the catalog's order."""
    return tuple(entry.type for entry in _ENTRIES if entry.public)


def is_known(event_type: str) -> bool:
    """Tell whether the catalog has a type."""
    return event_type in CATALOG
