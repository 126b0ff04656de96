"""An organization with one of everything, and where each of it is found.

Invariant: the ids are answered by the fields that name them in bodies and queries.
"""

from typing import Any

from support.booking_service import SOON, Caller, somebody, text
from support.reference_data import made

TIMES = {"start_time": text(SOON), "end_time": text(SOON.replace(hour=11))}
# What a body must have beside the ids it is tried with.
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/bookings": {**TIMES, "attendee": somebody()},
    "/api/v1/holds": TIMES,
    "/api/v1/tables": {"name": "Table", "max_party": 2},
    "/api/v1/sections": {"name": "Terrace"},
    "/api/v1/event-types": {"name": "Talk", "duration_minutes": 60},
    "/v2/event_instances": {"start_time": text(SOON)},
    "/v2/event_instances/{id}/registrations": {"attendee": somebody()},
    "/v2/settings/services": {"name": "Yoga", "service_type": "event", "timezone": "UTC"},
}
# What else it must name, of one's own.
NEEDED = {
    "/api/v1/bookings": ("schedule_id", "location_id"),
    "/api/v1/holds": ("schedule_id", "location_id"),
    "/api/v1/tables": ("location_id",),
    "/api/v1/sections": ("location_id",),
    "/v2/event_instances": ("service_id",),
}


async def furnish(staff: Caller) -> dict[str, str]:
    """An organization with one of everything; answers the ids, by the fields that name them."""
    location_id = await staff.location()
    schedule_id = await staff.schedule(capacity=3)
    service_id = await made(staff, "services", location_id=None, timezone="UTC", service_type="event")
    instance = await staff.post("/v2/event_instances", {"service_id": service_id, "start_time": text(SOON)})
    return {
        "location_id": location_id,
        "section_id": await made(staff, "sections", location_id=location_id),
        "table_ids": await staff.table(location_id, 4),
        "schedule_id": schedule_id,
        "event_type_id": await staff.event_type(),
        "client_id": await made(staff, "clients"),
        "service_id": service_id,
        "event_instance_id": instance.data["uid"],
        "hold_id": (await staff.hold(schedule_id=schedule_id)).data["id"],
        "exclude_booking_id": (await staff.book(schedule_id=schedule_id)).data["id"],
    }


OWNERS = {
    "/api/v1/bookings": "exclude_booking_id",
    "/v1/reservations": "exclude_booking_id",
    "/api/v1/holds": "hold_id",
    "/api/v1/locations": "location_id",
    "/api/v1/sections": "section_id",
    "/api/v1/tables": "table_ids",
    "/api/v1/schedules": "schedule_id",
    "/api/v1/event-types": "event_type_id",
    "/api/v1/clients": "client_id",
    "/v2/settings/services": "service_id",
    "/v2/event_instances": "event_instance_id",
}
"""The field that names what is found under a path."""
