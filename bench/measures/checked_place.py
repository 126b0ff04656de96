"""Where bookings are posted that every rule is checked for.

Invariant: half of the schedules' bookings have a location beside it, with a table for each of a full schedule.
"""

import json
from datetime import UTC, datetime

from bench.bookings import MINUTES
from bench.checked_bookings import CAPACITY, WEEKLY_HOURS, ZONE, CheckedSeries, date_overrides, first_day
from bench.measures.posting import Place
from bench.stack import Process, Stack, Tenant

_SCHEDULES = 50
_PLACE: dict[str, object] = {"name": "Bench", "timezone": ZONE}
_EVENT_TYPE: dict[str, object] = {
    "name": "Consultation",
    "duration_minutes": MINUTES,
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 10,
}
_FOR_TWO: dict[str, object] = {"name": "For two", "max_party": 2}
_FOR_FOUR: dict[str, object] = {"name": "For four", "max_party": 4}
_TABLES = [_FOR_TWO] * CAPACITY + [_FOR_FOUR] * 3

_COMPLETE = """
WITH complete_schedules AS (UPDATE schedules SET date_overrides = $2 WHERE org_id = $1),
complete_locations AS (UPDATE locations SET weekly_hours = $3, date_overrides = $2 WHERE org_id = $1),
complete_tables AS (UPDATE tables SET combinable = max_party > 2 WHERE org_id = $1)
UPDATE event_types
SET durations_minutes = '{30, 60}', interval_minutes = 15, minimum_notice_minutes = 1440, horizon_days = 365
WHERE org_id = $1
"""


async def new_checked_place(stack: Stack, process: Process, tenant: Tenant) -> Place:
    """Make schedules, locations with tables and an event type, with every rule that a booking is checked for."""
    first = first_day(datetime.now(UTC))
    schedule = {**_PLACE, "weekly_hours": WEEKLY_HOURS, "capacity": CAPACITY}

    async def make(kind: str, asked: dict[str, object]) -> str:
        return str((await stack.make(process, tenant, f"/api/v1/{kind}", asked))["id"])

    schedules = [await make("schedules", schedule) for _ in range(_SCHEDULES)]
    locations = [await make("locations", _PLACE) for _ in range(_SCHEDULES // 2)]
    for location_id in locations:
        for table in _TABLES:
            await make("tables", {"location_id": location_id, **table})
    event_type_id = await make("event-types", _EVENT_TYPE)
    overrides = date_overrides(first)
    await stack.value("booking", _COMPLETE, tenant.org_id, json.dumps(overrides), json.dumps(WEEKLY_HOURS))
    return Place(stack, process, tenant, CheckedSeries(first.isoformat(), schedules, locations, event_type_id))
