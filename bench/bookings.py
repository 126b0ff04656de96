"""The bookings that are posted: each at a place and time of its own, so that none is in another's way.

Invariant: the n-th booking is the same in every run, and no two overlap.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

PATH = "/api/v1/bookings"
_FIRST = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
_MINUTES = 30


def body(number: int, schedules: Sequence[str]) -> bytes:
    """Write the n-th booking as a caller would: the schedules take turns, then the next half hour comes."""
    turn, place = divmod(number, len(schedules))
    start = _FIRST + turn * timedelta(minutes=_MINUTES)
    asked = {
        "schedule_id": schedules[place],
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + timedelta(minutes=_MINUTES):%Y-%m-%dT%H:%M:%SZ}",
        "timezone": "America/Los_Angeles",
        "title": "Consultation Call",
        "location": "Zoom",
        "location_type": "video",
        "attendee": {
            "name": "John Doe",
            "email": "john@example.com",
            "timezone": "America/New_York",
            "notes": "First-time visitor",
        },
        "metadata": {"source": "website", "campaign": "spring"},
    }
    return json.dumps(asked).encode()
