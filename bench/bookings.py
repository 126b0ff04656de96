"""The bookings that are posted: each at a place and time of its own, so that none is in another's way.

Invariant: the n-th booking of a series is the same whenever it is written, and no two of a series overlap.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

PATH = "/api/v1/bookings"
MINUTES = 30
"""How long each of them is."""

FIRST = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)


class Series(Protocol):
    """Bookings by number.

    Attributes:
        name: by which the generator knows it.
        kinds: how many different kinds of bookings there are; the first bookings are one of each.
    """

    name: ClassVar[str]
    kinds: ClassVar[int]

    def headers(self, number: int) -> str:
        """Write the headers that come with the n-th booking, as whole lines."""

    def body(self, number: int) -> bytes:
        """Write the n-th booking as a caller would."""


@dataclass(frozen=True)
class PlainSeries:
    """Bookings of schedules that are always open: the schedules take turns, then the next half hour comes."""

    name: ClassVar = "plain"
    kinds: ClassVar = 1
    schedules: list[str]
    locations: ClassVar[list[str]] = []

    def headers(self, _: int) -> str:
        """Write none."""
        return ""

    def body(self, number: int) -> bytes:
        """Write the n-th booking."""
        turn, place = divmod(number, len(self.schedules))
        start = FIRST + turn * timedelta(minutes=MINUTES)
        return json.dumps(asked(self.schedules[place], start, "john@example.com")).encode()


def asked(schedule_id: str, start: datetime, email: str) -> dict[str, object]:
    """Tell what a caller asks for."""
    return {
        "schedule_id": schedule_id,
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + timedelta(minutes=MINUTES):%Y-%m-%dT%H:%M:%SZ}",
        "timezone": "America/Los_Angeles",
        "title": "Consultation Call",
        "location": "Zoom",
        "location_type": "video",
        "attendee": {
            "name": "John Doe",
            "email": email,
            "timezone": "America/New_York",
            "notes": "First-time visitor",
        },
        "metadata": {"source": "website", "campaign": "spring"},
    }
