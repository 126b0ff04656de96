"""When a party could come: how long its visit is, inside which window, and on which free starts.

Invariant: a visit lies inside the preferred window; where that is open on a side, the opening hours of the date bound
it (architecture.md section 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial

from waitlist.domain.times import DAY, Span, day_span, wall_instant
from waitlist.domain.told import EventInstance, Location

STEP_MINUTES = 15
"""The distance of one start from the next."""

Question = tuple[int, int]
"""A party size and minutes, about which booking is asked."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Place:
    """Tables for a time, or spots of an event instance, that are free for a party.

    Attributes:
        room: for how many such parties, as booking told; None for any number, or where nobody told.
    """

    start: datetime
    end: datetime
    room: int | None = field(default=None, compare=False)

    def overlaps(self, other: "Place") -> bool:
        """Tell whether both take some of the same time."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Need:
    """What a party needs of a location: so many minutes inside a window."""

    party_size: int
    minutes: int
    window: Span

    @property
    def latest_start(self) -> datetime:
        """When it has to begin at the latest."""
        return self.window.end - self.minutes * _MINUTE

    @property
    def question(self) -> Question:
        """What booking is asked for it, together with all who need the same."""
        return self.party_size, self.minutes


Free = Mapping[Question, Sequence[Place]]
"""What is free on a date, in order, by what was asked."""


@dataclass(frozen=True)
class Tables:
    """What booking told of a location on a date.

    Attributes:
        asked: from when to when it was asked, question by question.
    """

    location: Location
    day: date
    free: Free
    asked: Mapping[Question, Span] = field(default_factory=dict)

    @property
    def timezone(self) -> str:
        """Whose clocks tell the quiet hours."""
        return self.location.timezone

    @cached_property
    def opened(self) -> Span | None:
        """From when to when it is open, found once for all who wait."""
        return open_span(self.location, self.day)

    def tells(self, need: Need, now: datetime) -> bool:
        """Tell whether booking was asked for all that somebody needs."""
        asked = self.asked.get(need.question)
        return asked is not None and asked.start <= max(need.window.start, now) and need.window.end <= asked.end


@dataclass(frozen=True)
class Spots:
    """What booking told of an event instance, and how many of its spots have not been given away since."""

    instance: EventInstance
    left: int

    @property
    def timezone(self) -> str:
        """Whose clocks tell the quiet hours."""
        return self.instance.timezone


@dataclass(frozen=True)
class Gone:
    """There is nothing to wait for any more."""

    timezone: str = "UTC"


Facts = Tables | Spots | Gone
"""What can be offered to a queue, as far as booking told."""


def less(facts: Facts, party_size: int, place: Place) -> Facts:
    """Tell what is left where a party has got a place: of tables at most, as booking alone knows."""
    match facts:
        case Gone():
            return facts
        case Spots(_, left):
            return replace(facts, left=left - party_size)
        case Tables(_, _, free):
            question = party_size, (place.end - place.start) // _MINUTE
            kept = [one for one in map(partial(_less_room, place), free.get(question, ())) if one.room != 0]
            return replace(facts, free={**free, question: kept})


def _less_room(taken: Place, place: Place) -> Place:
    return replace(place, room=place.room - 1) if place == taken and place.room is not None else place


def open_span(location: Location, day: date) -> Span | None:
    """Tell from when to when a location has opened and closed for a date; None if it is closed all day."""
    hours = location.date_overrides.get(day.isoformat())
    if hours is None:
        if location.weekly_hours is None:
            return day_span(day, location.timezone)
        hours = location.weekly_hours.get(_WEEKDAYS[day.weekday()], ())
    if not hours:
        return None
    zone = location.timezone
    spans = [
        Span(wall_instant(day, start, zone), wall_instant(_last(day, start, end), end, zone)) for start, end in hours
    ]
    return Span(min(span.start for span in spans), max(span.end for span in spans))


def need_of(
    location: Location, opened: Span | None, *, party_size: int, start: datetime | None, end: datetime | None
) -> Need | None:
    """Tell what a party needs.

    Args:
        location: where.
        opened: from when to when it is open on the date that the party waits for, as `open_span` tells.
        party_size: for how many.
        start: when its visit may begin at the earliest; None: when the location opens.
        end: when it is to be over at the latest; None: when the location closes.

    Returns:
        None where nothing could ever be had: the location is closed then.
    """
    if opened is None:
        return None
    window = Span(start or opened.start, end or opened.end)
    minutes = min(location.visit_minutes, (window.end - window.start) // _MINUTE)
    return Need(party_size, minutes, window) if minutes > 0 else None


def places(need: Need, free: Free) -> list[Place]:
    """Tell which free places a party could have, the earliest first."""
    return [
        place
        for place in free.get(need.question, ())
        if need.window.start <= place.start and place.end <= need.window.end
    ]


def _last(day: date, start: time, end: time) -> date:
    return day if end > start else day + DAY
