"""What the booking service tells of places and people, as far as the rules need it.

Invariant: these are answers to one question at one moment; nothing keeps them.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Location:
    """A place with tables.

    Attributes:
        timezone: the IANA time zone of its clocks.
    """

    id: str
    timezone: str


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
