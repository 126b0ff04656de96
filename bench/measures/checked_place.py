"""Where bookings are posted that every rule is checked for.

Invariant: half of the schedules' bookings have a location beside it, with a table for each of a full schedule.
"""

from datetime import UTC, datetime
from typing import Any

from bench.bookings import MINUTES
from bench.checked_bookings import CAPACITY, WEEKLY_HOURS, ZONE, CheckedSeries, date_overrides, first_day
from bench.measures.posting import Place
from bench.stack import Process, Stack, Tenant

_SCHEDULES = 50
_EVENT_TYPE = {
    "name": "Consultation",
    "duration_minutes": MINUTES,
    "durations_minutes": [MINUTES, 2 * MINUTES],
    "interval_minutes": 15,
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 10,
    "minimum_notice_minutes": 24 * 60,
    "horizon_days": 365,
}
_FOR_TWO = {"name": "For two", "max_party": 2}
_FOR_FOUR = {"name": "For four", "max_party": 4, "combinable": True}
_TABLES = [_FOR_TWO] * CAPACITY + [_FOR_FOUR] * 3


async def new_checked_place(stack: Stack, process: Process, tenant: Tenant) -> Place:
    """Make schedules, locations with tables and an event type, with every rule that a booking is checked for."""
    first = first_day(datetime.now(UTC))
    place = {
        "name": "Bench",
        "timezone": ZONE,
        "weekly_hours": WEEKLY_HOURS,
        "date_overrides": date_overrides(first),
        "one_per_attendee": True,
    }

    async def make(kind: str, asked: dict[str, Any]) -> str:
        return str((await stack.make(process, tenant, f"/api/v1/{kind}", asked))["id"])

    schedules = [await make("schedules", {**place, "capacity": CAPACITY}) for _ in range(_SCHEDULES)]
    locations = [await make("locations", place) for _ in range(_SCHEDULES // 2)]
    for location_id in locations:
        for table in _TABLES:
            await make("tables", {"location_id": location_id, **table})
    event_type_id = await make("event-types", _EVENT_TYPE)
    return Place(stack, process, tenant, CheckedSeries(first.isoformat(), schedules, locations, event_type_id))
