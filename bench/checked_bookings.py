"""Bookings that every rule is checked for, and that break none.

Their schedules have weekly hours and hours of single dates, and are filled up to their capacity; their event type has
buffers, lengths, an interval, notice and a horizon; every attendee comes once; every request has an idempotency key;
and every other schedule is in a location with tables.

Invariant: a booking and its buffers end where the next one's begin, inside the hours of one date.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import ClassVar
from zoneinfo import ZoneInfo

from bench.bookings import MINUTES, asked

ZONE = "America/Los_Angeles"
CAPACITY = 4
_DAYS = 300
_WORKDAY = [{"start": "08:00", "end": "12:00"}, {"start": "13:00", "end": "18:00"}]
WEEKLY_HOURS = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), _WORKDAY)
_PARTY = 2
_APART = timedelta(minutes=MINUTES + 15)  # with both buffers


def first_day(now: datetime) -> date:
    """Choose a Monday to begin on, beyond the notice."""
    return now.date() + timedelta(days=14 - now.weekday())


def date_overrides(first: date) -> dict[str, list[dict[str, str]]]:
    """Tell the hours of single dates: one is shorter, and now and then one is closed."""
    closed: dict[str, list[dict[str, str]]] = {
        (first + timedelta(days=days)).isoformat(): [] for days in range(2, _DAYS, 30)
    }
    return {(first + timedelta(days=4)).isoformat(): [{"start": "10:00", "end": "16:00"}], **closed}


@dataclass(frozen=True)
class CheckedSeries:
    """The schedules take turns; each is filled to its capacity before the next time comes.

    Attributes:
        first: the first date, as text.
        schedules: with those hours and overrides.
        locations: one for every other schedule: of the second, the fourth and so on.
        event_type_id: of what is booked.
    """

    name: ClassVar = "checked"
    kinds: ClassVar = 2
    first: str
    schedules: list[str]
    locations: list[str]
    event_type_id: str

    def headers(self, number: int) -> str:
        """Write an idempotency key."""
        return f"Idempotency-Key: bench-{number:012d}\r\n"

    def body(self, number: int) -> bytes:
        """Write the n-th booking."""
        turn, place = divmod(number, len(self.schedules))
        start = self._starts[turn // CAPACITY]
        booking = {
            **asked(self.schedules[place], start, f"guest-{number}@example.com"),
            "event_type_id": self.event_type_id,
            "party_size": _PARTY,
        }
        if place % 2:
            booking["location_id"] = self.locations[place // 2]
        return json.dumps(booking).encode()

    @cached_property
    def _starts(self) -> list[datetime]:
        first = date.fromisoformat(self.first)
        overrides = date_overrides(first)
        days = [first + timedelta(days=number) for number in range(_DAYS)]
        return [start for day in days for start in _starts_of(day, overrides)]


def _starts_of(day: date, overrides: dict[str, list[dict[str, str]]]) -> Iterator[datetime]:
    weekly = WEEKLY_HOURS.get(f"{day:%A}".lower(), [])
    for stretch in overrides.get(day.isoformat(), weekly):
        start, end = (_instant(day, stretch[side]) for side in ("start", "end"))
        while start + timedelta(minutes=MINUTES) <= end:
            yield start
            start += _APART


def _instant(day: date, wall: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(wall), ZoneInfo(ZONE)).astimezone(UTC)
