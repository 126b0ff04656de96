"""Reference data: what bookings are made at, for and of.

Invariant: one mechanism serves every kind; what tells them apart is data.
"""

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
from booking.domain.reference.kinds import (
    CLIENTS,
    EVENT_TYPES,
    LOCATIONS,
    SCHEDULES,
    SECTIONS,
    SERVICES,
    TABLES,
    Kind,
    Stored,
    T,
)
from booking.domain.reference.usage import LaneUse, Use, check_kept, check_lanes, check_unused

__all__ = [
    "CLIENTS",
    "EVENT_TYPES",
    "LOCATIONS",
    "SCHEDULES",
    "SECTIONS",
    "SERVICES",
    "TABLES",
    "Client",
    "Entity",
    "EventType",
    "Kind",
    "LaneUse",
    "Location",
    "Schedule",
    "Section",
    "Service",
    "Stored",
    "T",
    "Table",
    "Use",
    "check_kept",
    "check_lanes",
    "check_unused",
]
