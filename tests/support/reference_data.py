"""Bodies of reference data, with every field."""

from typing import Any

from support.booking_service import Caller

HOURS = {"monday": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "02:00"}]}
DATES = {"2026-12-24": [{"start": "09:00", "end": "12:00"}], "2026-12-25": []}
PATHS = {
    "locations": "/api/v1/locations",
    "sections": "/api/v1/sections",
    "tables": "/api/v1/tables",
    "schedules": "/api/v1/schedules",
    "event-types": "/api/v1/event-types",
    "clients": "/api/v1/clients",
    "services": "/v2/settings/services",
}
WHOLE: dict[str, dict[str, Any]] = {
    "locations": {
        "name": "Bistro",
        "timezone": "Europe/Paris",
        "auto_confirm": True,
        "weekly_hours": HOURS,
        "date_overrides": DATES,
        "visit_minutes": 120,
        "interval_minutes": 30,
        "one_per_attendee": False,
        "complete_after_minutes": 30,
    },
    "sections": {"location_id": "?", "name": "Terrace"},
    "tables": {
        "location_id": "?",
        "section_id": None,
        "name": "By the window",
        "min_party": 2,
        "max_party": 4,
        "combinable": True,
    },
    "schedules": {
        "name": "Room",
        "timezone": "Europe/Paris",
        "weekly_hours": HOURS,
        "date_overrides": DATES,
        "capacity": 3,
        "auto_confirm": True,
        "max_bookings_per_day": 12,
        "max_bookings_per_minute": 5,
        "one_per_attendee": False,
        "complete_after_minutes": None,
    },
    "event-types": {
        "name": "Talk",
        "schedule_id": "?",
        "duration_minutes": 45,
        "durations_minutes": [90, 45],
        "interval_minutes": 15,
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "minimum_notice_minutes": 60,
        "horizon_days": 90,
        "requires_confirmation": False,
        "location_type": "phone",
    },
    "clients": {"name": "Ada", "email": "Ada@example.com", "phone": "+33 1", "timezone": "Europe/Paris"},
    "services": {
        "name": "Yoga",
        "service_type": "event",
        "description": "For everybody",
        "location_id": "?",
        "timezone": "Europe/Paris",
        "duration_minutes": 90,
        "max_attendance": 12,
        "requires_confirmation": True,
        "complete_after_minutes": None,
    },
}


def key_of(kind: str) -> str:
    """The field that has a kind's id."""
    return "uid" if kind == "services" else "id"


async def filled(staff: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """The body with ids that exist where it has a question mark."""
    makers = {"location_id": staff.location, "schedule_id": staff.schedule}
    return {key: await makers[key]() if value == "?" else value for key, value in body.items()}


async def made(staff: Caller, kind: str, **fields: Any) -> str:
    """Make one of a kind and answer its id."""
    body = await filled(staff, {**WHOLE[kind], **fields})
    return str((await staff.post(PATHS[kind], body)).data[key_of(kind)])
