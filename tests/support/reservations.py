"""Reservations and their events, well-formed, for tests to bend."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slotwire_contracts import CATALOG, Reservation, ReservationEvent, make_event

RESERVATION: Mapping[str, Any] = {
    "id": "bk_abc123",
    "schedule_id": "sch_xyz789",
    "start_time": "2024-02-15T10:00:00Z",
    "end_time": "2024-02-15T11:00:00Z",
    "status": "CONFIRMED",
    "title": "Consultation Call",
    "attendee_name": "John Doe",
    "attendee_email": "john@example.com",
    "created_at": "2024-01-01T00:00:00Z",
    "event_type_id": None,
    "timezone": "America/Los_Angeles",
    "location": "Zoom",
    "location_type": "video",
    "attendee_phone": None,
    "attendee_timezone": "America/New_York",
    "attendee_notes": "First-time visitor",
    "metadata": {"source": "website"},
    "location_id": None,
    "table_ids": [],
    "party_size": 1,
    "source": "api",
    "event_instance_id": None,
    "version": 2,
    "updated_at": "2024-01-02T00:00:00Z",
}
"""A reservation's JSON, with the keys in the order of api.md section 2."""

_OTHER_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "reservation.created": {"source": "widget", "party_size": 4},
    "reservation.updated": {"changes": {"party_size": {"from": 2, "to": 4}}},
    "reservation.assigned": {"table_ids": ["tbl_1"]},
    "reservation.unassigned": {"table_ids": ["tbl_1"]},
}
_TRANSITION: Mapping[str, Any] = {"from_status": "pending", "to_status": "confirmed"}

CHANGES: Mapping[str, Mapping[str, Any]] = {
    kind: _OTHER_CHANGES.get(kind, _TRANSITION) for kind, entry in CATALOG.items() if entry.resource == "reservation"
}
"""A change for every type of event of a reservation."""

OCCASION: Mapping[str, Any] = {
    "id": "evt_01hzy",
    "time": datetime(2024, 1, 2, 12, 30, 0, 250_000, tzinfo=UTC),
    "orgid": "org_abc123",
    "sequence": 2,
    "actor": "staff",
}
"""When and why an event came about."""


def a_reservation(**other: Any) -> Reservation:
    """Make a reservation, the given fields replaced."""
    return Reservation.model_validate({**RESERVATION, **other})


def an_event(kind: str = "reservation.confirmed", **other: Any) -> ReservationEvent:
    """Make an event of a type, the given attributes replaced."""
    attributes = {"resource": a_reservation(), "change": CHANGES[kind], **OCCASION, **other}
    made: ReservationEvent = make_event(kind, **attributes)
    return made
