"""Opening hours, weekly and of single dates: local wall time plus a zone, decided on the instants they stand for.

Invariant: a wall time in the autumn fold means its first pass, and one in the spring gap does not exist: hours that
begin or end inside a gap begin or end where the clock jumps (architecture.md section 5, Time).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TypedDict
from zoneinfo import ZoneInfo

from booking.domain.times import Span

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class OpenHours(TypedDict):
    """One stretch of a day, `HH:MM` to `HH:MM`; an end that is not after the start lies on the next day."""

    start: str
    end: str


WeeklyHours = Mapping[str, Sequence[OpenHours]]

DateOverrides = Mapping[str, Sequence[OpenHours]]
"""The hours of single dates, `YYYY-MM-DD`, instead of the weekly ones; none at all is closed."""

_ALL_DAY = (OpenHours(start="00:00", end="00:00"),)


@dataclass(frozen=True)
class Hours:
    """When a place is open. A stretch belongs to the date on which it begins, however far it reaches into the next.

    Attributes:
        weekly: by weekday; None: at any time.
        overrides: of single dates.
    """

    weekly: WeeklyHours | None = None
    overrides: DateOverrides = field(default_factory=dict)

    def of(self, day: date) -> Sequence[OpenHours]:
        """Answer the stretches that begin on a date."""
        if (override := self.overrides.get(day.isoformat())) is not None:
            return override
        return _ALL_DAY if self.weekly is None else self.weekly.get(WEEKDAYS[day.weekday()], ())


ALWAYS = Hours()
"""Open at any time."""


def is_open(hours: Hours, zone: str, span: Span) -> bool:
    """Tell whether the whole span lies inside the opening hours; stretches that touch count as one."""
    if hours == ALWAYS:
        return True
    reached = span.start
    for opening in sorted(openings(hours, zone, span), key=lambda opening: opening.start):
        if opening.start > reached:
            return False
        reached = max(reached, opening.end)
        if reached >= span.end:
            return True
    return False


@lru_cache(maxsize=8192)  # a month of free time asks for the same ones again and again
def wall_instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Answer the instant of a wall time: its first pass in a fold, the jump itself in a gap."""
    local = datetime.combine(day, wall, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _jump(after=instant, before=local.replace(fold=1).astimezone(UTC), zone=zone)


def day_span(day: date, zone: str) -> Span:
    """Answer when a date of a zone begins and ends."""
    where = ZoneInfo(zone)
    return Span(wall_instant(day, time(), where), wall_instant(day + timedelta(days=1), time(), where))


def openings(hours: Hours, zone: str, span: Span) -> Iterator[Span]:
    """Lay the hours out over every local day that can reach into the span, the eve's overnight hours too."""
    where = ZoneInfo(zone)
    day = span.start.astimezone(where).date() - timedelta(days=1)
    last = span.end.astimezone(where).date()
    while day <= last:
        for stretch in hours.of(day):
            start, end = time.fromisoformat(stretch["start"]), time.fromisoformat(stretch["end"])
            until = day if end > start else day + timedelta(days=1)
            yield Span(wall_instant(day, start, where), wall_instant(until, end, where))
        day += timedelta(days=1)


def _jump(*, before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the instant between the two at which the zone's offset has changed."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
