"""When a guest would come: two preferred times, and the instants that they stand for.

Invariant: of a window that was not refused the end, where both are known, is later than the start.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from waitlist.domain.errors import Flaws
from waitlist.domain.times import DAY, day_span, exists, local_date, wall_instant

START, END = "preferredStartTime", "preferredEndTime"

Preferred = time | datetime | None
"""A time as it was asked for: `HH:MM` of the date or after it, an instant, or none."""


@dataclass(frozen=True)
class Window:
    """From when to when a visit may be; None: as the place opens and closes."""

    start: datetime | None
    end: datetime | None


def window(day: date, start: Preferred, end: Preferred, *, zone: str, flaws: Flaws) -> Window:
    """Tell which instants two times of a date stand for (seed 000; api.md section 3).

    An end in `HH:MM` that is not after the start lies on the next day; without a start the date's beginning stands in.

    Args:
        day: the requested date.
        start: from when on.
        end: until when.
        zone: the location's time zone.
        flaws: gets what is refused: a time that the zone's clocks skip on that date, a start on another date, an end
            that is not after the start or a day and more after it.
    """
    begins = _start(day, start, zone, flaws)
    ends = _end(day, begins, end, zone, flaws)
    return Window(begins, ends)


def _start(day: date, start: Preferred, zone: str, flaws: Flaws) -> datetime | None:
    if isinstance(start, datetime):
        if local_date(start, zone) != day:
            flaws.add(START, "must lie on requestedDate in the location's time zone", "date")
        return start
    return None if start is None else _wall(day, start, zone, START, flaws)


def _end(day: date, begins: datetime | None, end: Preferred, zone: str, flaws: Flaws) -> datetime | None:
    whole = day_span(day, zone)
    after, latest = begins or whole.start, (begins or whole.end) + DAY
    if isinstance(end, time):
        until = day if wall_instant(day, end, zone) > after else day + DAY
        return _wall(until, end, zone, END, flaws)
    if end is not None and end <= after:
        flaws.add(END, f"must be after {START if begins else 'the beginning of requestedDate'}", "after_start")
    if end is not None and end > latest:
        flaws.add(END, f"must be at most a day after {START if begins else 'requestedDate'}", "max_duration")
    return end


def _wall(day: date, wall: time, zone: str, param: str, flaws: Flaws) -> datetime:
    if not exists(day, wall, zone):
        flaws.add(param, f"must be a time that exists on {day}; the clocks of {zone} skip it", "gap")
    return wall_instant(day, wall, zone)
