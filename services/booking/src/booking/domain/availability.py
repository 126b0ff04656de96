"""Which starts of a grid can be booked, and how many more bookings each can take (architecture.md section 5, Time).

Invariant: a start is offered with room for n more exactly when n resources are free for all of its time, buffers
included, and its time without buffers lies inside the opening hours: what is offered is what booking it would find.
Times are epoch seconds here: a month holds thousands of starts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from booking.domain.errors import Flaw, Flaws, ValidationFailedError
from booking.domain.hours import ALWAYS, Hours, openings, wall_instant
from booking.domain.place import Place
from booking.domain.seating import fitting_tables
from booking.domain.times import EARLIEST, LATEST, Span, epoch_seconds

LONGEST_WINDOW = timedelta(days=62)
_WEEK = timedelta(days=7)
_QUARTER = timedelta(minutes=15)

Stretch = tuple[int, int]
"""From an epoch second on, up to another that is not part of it any more."""


@dataclass(frozen=True)
class Grid:
    """What is looked for.

    Attributes:
        duration: how long a booking lasts.
        interval: the distance of one start from the next; the first is where a stretch of opening hours begins.
        before: what must be free before it, beside itself.
        after: what must be free behind it.
    """

    duration: timedelta
    interval: timedelta
    before: timedelta = timedelta()
    after: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a caller looks for.

    Attributes:
        schedule_id: it or `location_id`, or both, are given.
        since: from when on; a date is one of the place. None is now.
        until: up to when; a date is one of the place, and the last. None is a week later.
        duration_minutes: how long; None for as long as the event type says.
        interval_minutes: the distance of the starts; None for as long as it lasts, and 15 minutes at a location.
        exclude_booking_id: a booking that is in nobody's way: the one that is to move.
    """

    schedule_id: str | None
    location_id: str | None
    event_type_id: str | None
    party_size: int
    since: datetime | date | None
    until: datetime | date | None
    duration_minutes: int | None
    interval_minutes: int | None
    exclude_booking_id: str | None


@dataclass(frozen=True)
class Slot:
    """A time that can be booked, and how many more bookings it can take; None when nothing bounds them."""

    span: Span
    remaining: int | None


def grid_of(search: Search, place: Place) -> Grid:
    """Tell which grid is looked at.

    Raises:
        ValidationFailedError: nothing says how long a booking lasts.
    """
    appointment = place.appointment
    minutes = search.duration_minutes or (appointment.duration_minutes if appointment else None)
    if minutes is None:
        raise ValidationFailedError(Flaw("duration_minutes", "must be given where no event_type_id is", "missing"))
    duration = timedelta(minutes=minutes)
    interval = timedelta(minutes=search.interval_minutes) if search.interval_minutes else None
    before, after = (timedelta(minutes=buffer) for buffer in place.buffers)
    return Grid(duration, interval or (duration if place.schedule else _QUARTER), before, after)


def window_of(search: Search, zone: str, grid: Grid, *, now: datetime) -> Span:
    """Tell in which time starts are looked for: never in the past, nor where nothing can be stored; it may be empty.

    Raises:
        ValidationFailedError: it ends before it begins, is longer than 62 days, or leaves 1970-01-02 to 2199-12-31.
    """
    flaws = Flaws()
    for param, given in (("from", search.since), ("to", search.until)):
        if given is not None and not _can_be_stored(given):
            flaws.add(param, f"must lie between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}", "bounds")
    flaws.tell()
    since = _instant(search.since, zone, default=now)
    until = _instant(search.until, zone, default=since + _WEEK, whole_day=True)
    if until <= since:
        raise ValidationFailedError(Flaw("to", "must be after from", "after_from"))
    if until - since > LONGEST_WINDOW:
        raise ValidationFailedError(Flaw("to", f"must be at most {LONGEST_WINDOW.days} days after from", "max_window"))
    first = max(since, now, EARLIEST + grid.before)
    last = min(until, LATEST - grid.duration - grid.after)
    return Span(first, max(first, last))


def _can_be_stored(given: datetime | date) -> bool:
    if isinstance(given, datetime):
        return EARLIEST <= given <= LATEST
    return EARLIEST.date() <= given <= LATEST.date()


def _instant(given: datetime | date | None, zone: str, *, default: datetime, whole_day: bool = False) -> datetime:
    if given is None:
        return default
    if isinstance(given, datetime):
        return given
    return wall_instant(given + timedelta(days=1) if whole_day else given, time(), ZoneInfo(zone))


def looked_at(window: Span, grid: Grid) -> Span:
    """Tell which time decides about the starts of a window."""
    return Span(window.start - grid.before, window.end + grid.duration + grid.after)


def slots(search: Search, place: Place, window: Span, grid: Grid, taken: Mapping[int, Sequence[Stretch]]) -> list[Slot]:
    """Tell what can be booked.

    Args:
        search: what is looked for.
        place: where.
        window: in which time.
        grid: which starts.
        taken: when each of the place's resources is taken.
    """
    hours = place.schedule.hours if place.schedule else ALWAYS
    offered = starts(hours, place.schedule.timezone if place.schedule else place.zone, window, grid)
    bounds = [room(offered, grid, {number: taken[number] for number in group}) for group in groups(search, place)]
    left = [min(several) for several in zip(*bounds, strict=True)] if bounds else [None] * len(offered)
    return [
        Slot(Span(start, start + grid.duration), remaining)
        for start, remaining in zip((datetime.fromtimestamp(one, UTC) for one in offered), left, strict=True)
        if remaining != 0
    ]


def groups(search: Search, place: Place) -> list[tuple[int, ...]]:
    """Tell of which groups of resources a booking needs one each: lanes of the schedule, and tables that fit."""
    found: list[tuple[int, ...]] = []
    if place.schedule is not None:
        found.append(place.schedule.lanes)
    if place.tables:
        fitting = fitting_tables(place.tables, search.party_size)
        found.append(tuple(table.resource_no for table in fitting))
    return found


def starts(hours: Hours, zone: str, window: Span, grid: Grid) -> list[int]:
    """Tell where a booking may start in a window, whatever is taken: on the grid and inside the opening hours.

    The grid begins anew with every stretch of the hours; without hours a stretch is a local day. It steps in time that
    passes, so a day when the clock jumps has as many starts as it has hours.
    """
    found = [(epoch_seconds(span.start), epoch_seconds(span.end)) for span in openings(hours, zone, window)]
    length, step = int(grid.duration.total_seconds()), int(grid.interval.total_seconds())
    low, high = epoch_seconds(window.start), epoch_seconds(window.end)
    joined = _joined(found)
    begins = [begin for begin, _ in joined]
    offered: set[int] = set()
    for anchor, anchor_end in found:
        end = joined[bisect_right(begins, anchor) - 1][1]
        first = anchor + max(0, -((anchor - low) // step)) * step
        offered.update(range(first, min(anchor_end, end - length + 1, high), step))
    return sorted(offered)


def room(offered: Sequence[int], grid: Grid, taken: Mapping[int, Iterable[Stretch]]) -> list[int]:
    """Tell how many resources are free at each start.

    Args:
        offered: starts in order.
        grid: how long each lasts.
        taken: for each resource, when it is taken.
    """
    ahead = int((grid.duration + grid.after).total_seconds())
    behind = int(grid.before.total_seconds())
    changes = [0] * (len(offered) + 1)
    for stretches in taken.values():
        blocked = (
            (bisect_right(offered, begin - ahead), bisect_left(offered, end + behind)) for begin, end in stretches
        )
        for first, last in _joined(blocked):
            changes[first] -= 1
            changes[last] += 1
    return [len(taken) + less for less in accumulate(changes[:-1])]


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that overlap or touch; empty ones are left out."""
    joined: list[Stretch] = []
    for begin, end in sorted(stretches):
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined
