"""What the booking service tells of places and people, as far as the rules need it.

Invariant: these are answers to one question at one moment; nothing keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

OpenHours = Sequence[tuple[time, time]]
"""The stretches of a day, in local time; an end that is not after the start lies on the next day."""


@dataclass(frozen=True)
class Location:
    """A place with tables.

    Attributes:
        timezone: the IANA time zone of its clocks.
        visit_minutes: how long a visit is, where nobody says so.
        weekly_hours: when it is open, by weekday from `monday` on; None: at any time.
        date_overrides: the hours of single dates, `YYYY-MM-DD`, instead of these.
        name: what its guests know it by.
    """

    id: str
    timezone: str
    visit_minutes: int = 90
    weekly_hours: Mapping[str, OpenHours] | None = None
    date_overrides: Mapping[str, OpenHours] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class EventInstance:
    """A dated occurrence of a service.

    Attributes:
        remaining: the spots that nobody has or holds.
    """

    id: str
    service_id: str
    title: str
    start_time: datetime
    end_time: datetime
    timezone: str
    max_attendance: int
    remaining: int
    cancelled: bool


@dataclass(frozen=True)
class Client:
    """Somebody who books."""

    id: str
    name: str


@dataclass(frozen=True)
class Booking:
    """What an entry has become."""

    id: str
    start_time: datetime
    end_time: datetime
    party_size: int
    cancelled: bool
