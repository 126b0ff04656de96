"""GET /api/v1/availability of a month, of schedules with few, many and very many bookings.

Invariant: the schedules differ in their bookings only. These are spread over the whole month; where several are at one
time they have the first lanes, as if they had been posted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bench import child
from bench.bookings import MINUTES
from bench.programs import reader
from bench.stack import Stack

SIZES = (200, 2_000, 20_000)
STANDARD = 2_000
"""How many bookings a schedule has where there is a bar."""

DAYS = 31
CAPACITY = 30
_ZONE = "America/Los_Angeles"
_OPENS, _STARTS = time(6), 24  # until 22:00, as many as fit with their buffers
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SCHEDULE = {
    "name": "Bench",
    "timezone": _ZONE,
    "capacity": CAPACITY,
    "weekly_hours": {day: [{"start": "06:00", "end": "22:00"}] for day in _WEEKDAYS},
}
_BUFFER = 5
_EVENT_TYPE = {
    "name": "Consultation",
    "duration_minutes": MINUTES,
    "buffer_before_minutes": _BUFFER,
    "buffer_after_minutes": _BUFFER,
}
_STRIDE = 13  # from one booking's start to the next one's; no divisor in common with the starts of a month

_FILL = """
WITH asked AS (
    SELECT
        'bk_' || right($2, 12) || lpad(number::text, 14, '0') AS id,
        r.resource_no,
        starts,
        starts + $6 * interval '1 minute' AS ends
    FROM unnest($4::timestamptz[], $5::integer[]) WITH ORDINALITY AS asked (starts, lane, number)
    JOIN resources r ON r.owner_id = $2 AND r.lane = asked.lane
),
occupied AS (
    INSERT INTO occupancy (resource_no, during, booking_id)
    SELECT
        resource_no,
        slot(resource_no, extract(epoch FROM starts)::bigint - 60 * $7, extract(epoch FROM ends)::bigint + 60 * $7),
        id
    FROM asked
)
INSERT INTO bookings (
    id, org_id, schedule_id, event_type_id, table_ids, status, start_time, end_time, timezone, zone, local_date,
    attendee_name, attendee_email, metadata, party_size, source, buffer_before_minutes, buffer_after_minutes,
    version, sequence, last_event_id, last_event_at, created_at, updated_at
)
SELECT
    id, $1, $2, $3, '{}', 'CONFIRMED', starts, ends, $8, $8, (starts AT TIME ZONE $8)::date,
    'John Doe', 'john@example.com', '{}', 1, 'api', $7, $7, 1, 1, replace(id, 'bk_', 'evt_'), now(), now(), now()
FROM asked
"""


@dataclass(frozen=True)
class Size:
    """A schedule: its bookings, how many slots were found, and milliseconds of each answer."""

    bookings: int
    slots: int
    milliseconds: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """All schedules, the one with the fewest bookings first."""

    sizes: tuple[Size, ...]

    @property
    def standard(self) -> Size:
        """The one where there is a bar."""
        return next(size for size in self.sizes if size.bookings == STANDARD)


async def measure(stack: Stack) -> Measured:
    """Fill a schedule of each size, and read them in turns."""
    first = datetime.now(UTC).astimezone(ZoneInfo(_ZONE)).date() + timedelta(days=1)
    async with stack.service("booking") as booking:
        tenant = await stack.tenant()
        event_type = await stack.make(booking, tenant, "/api/v1/event-types", _EVENT_TYPE)
        window = f"event_type_id={event_type['id']}&from={first}&to={first + timedelta(days=DAYS - 1)}"
        paths = {}
        for size in SIZES:
            schedule = await stack.make(booking, tenant, "/api/v1/schedules", _SCHEDULE)
            ids = (tenant.org_id, schedule["id"], event_type["id"])
            await stack.value("booking", _FILL, *ids, *visits(first, size), MINUTES, _BUFFER, _ZONE)
            paths[str(size)] = f"/api/v1/availability?schedule_id={schedule['id']}&{window}"
        await stack.tidy("booking")
        spec = reader.Spec(port=booking.port, key=tenant.key, paths=paths, times=stack.plan.availability_reads)
        read = await child.measured("bench.programs.reader", spec, reader.Result, log=stack.log("reader"))
    return Measured(tuple([Size(size, read.found[str(size)], tuple(read.milliseconds[str(size)])) for size in SIZES]))


def visits(first: date, size: int) -> tuple[Sequence[datetime], Sequence[int]]:
    """Tell the start and the lane of each booking of a month."""
    opens = [datetime.combine(first + timedelta(days=day), _OPENS, ZoneInfo(_ZONE)) for day in range(DAYS)]
    visit, buffer = timedelta(minutes=MINUTES), timedelta(minutes=_BUFFER)
    starts = [
        start.astimezone(UTC) + buffer + number * (visit + 2 * buffer) for start in opens for number in range(_STARTS)
    ]
    chosen = [starts[number * _STRIDE % len(starts)] for number in range(size)]
    return chosen, [number // len(starts) + 1 for number in range(size)]
