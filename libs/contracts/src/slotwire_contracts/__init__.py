"""The contracts of Slotwire: its events, the topics they travel on, and how they are written and read.

A consumer of the streams needs nothing else: `decode(record.value)` and a `match` on the event.
"""

from slotwire_contracts.catalog import CATALOG, CatalogEntry, is_known, public_types
from slotwire_contracts.codec import CONTENT_TYPE, HEADERS, AnyEvent, DecodeError, decode, encode, record_key
from slotwire_contracts.envelope import SCHEMA_BASE, Actor, Event, KnownEvent, UnknownEvent, schema_uri
from slotwire_contracts.making import BOOKING_SOURCE, reservation_event
from slotwire_contracts.metadata import METADATA_DEPTH, Metadata, is_too_deep
from slotwire_contracts.reservation import LocationType, Reservation, ReservationStatus
from slotwire_contracts.reservation_changes import (
    Change,
    CreatedChange,
    FieldChange,
    FieldChanges,
    StatusWord,
    TablesChange,
    TransitionChange,
    UpdatedChange,
)
from slotwire_contracts.reservation_events import (
    ReservationAssigned,
    ReservationCancelled,
    ReservationCompleted,
    ReservationConfirmed,
    ReservationCreated,
    ReservationData,
    ReservationDeclined,
    ReservationEvent,
    ReservationLate,
    ReservationNoShow,
    ReservationPartiallySeated,
    ReservationPending,
    ReservationSeated,
    ReservationUnassigned,
    ReservationUpdated,
)
from slotwire_contracts.times import Instant, PreciseInstant
from slotwire_contracts.topics import BOOKING_EVENTS, TOPICS, Topic, dead_letter_topic, dead_letters

__all__ = [
    "BOOKING_EVENTS",
    "BOOKING_SOURCE",
    "CATALOG",
    "CONTENT_TYPE",
    "HEADERS",
    "METADATA_DEPTH",
    "SCHEMA_BASE",
    "TOPICS",
    "Actor",
    "AnyEvent",
    "CatalogEntry",
    "Change",
    "CreatedChange",
    "DecodeError",
    "Event",
    "FieldChange",
    "FieldChanges",
    "Instant",
    "KnownEvent",
    "LocationType",
    "Metadata",
    "PreciseInstant",
    "Reservation",
    "ReservationAssigned",
    "ReservationCancelled",
    "ReservationCompleted",
    "ReservationConfirmed",
    "ReservationCreated",
    "ReservationData",
    "ReservationDeclined",
    "ReservationEvent",
    "ReservationLate",
    "ReservationNoShow",
    "ReservationPartiallySeated",
    "ReservationPending",
    "ReservationSeated",
    "ReservationStatus",
    "ReservationUnassigned",
    "ReservationUpdated",
    "StatusWord",
    "TablesChange",
    "Topic",
    "TransitionChange",
    "UnknownEvent",
    "UpdatedChange",
    "dead_letter_topic",
    "dead_letters",
    "decode",
    "encode",
    "is_known",
    "is_too_deep",
    "public_types",
    "record_key",
    "reservation_event",
    "schema_uri",
]
