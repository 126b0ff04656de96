"""Which starts of a grid can be booked, and how many more bookings each can take (architecture.md section 5, Time).

Invariant: a start is offered with room for n more exactly when n bookings would find what they need free for all of its
time, buffers included, no limit of its date is in their way, and its time without buffers lies inside the opening hours
of schedule and location: what is offered is what booking it would find.
Times are epoch seconds here: a month holds thousands of starts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from itertools import accumulate
from operator import xor
from zoneinfo import ZoneInfo

from booking.domain.hours import ALWAYS, Hours, openings
from booking.domain.offering import grid_hours
from booking.domain.place import Place, SchedulePlace, TablePlace
from booking.domain.search import Grid
from booking.domain.seating import parties
from booking.domain.stretches import Stretch, common, joined
from booking.domain.times import Span, epoch_seconds

Taken = Mapping[int, Sequence[Stretch]]
"""When resources are taken, by their numbers."""


@dataclass(frozen=True)
class Slot:
    """A time that can be booked, and how many more bookings it can take; None when nothing bounds them."""

    span: Span
    remaining: int | None


def resources(place: Place) -> list[int]:
    """Answer the numbers of all that bookings of the place need some of."""
    lanes = place.schedule.lanes if place.schedule else ()
    return [*lanes, *(table.resource_no for table in place.tables)]


def slots(
    place: Place, party_size: int, window: Span, grid: Grid, *, taken: Taken, booked: Mapping[date, int]
) -> list[Slot]:
    """Tell what can be booked.

    Args:
        place: where.
        party_size: for how many.
        window: in which time.
        grid: which starts.
        taken: when each of the place's resources is taken.
        booked: how many bookings start on each date of the schedule, where it has a daily limit.
    """
    offered = starts(place, window, grid)
    bounds: list[list[int]] = []
    if place.schedule is not None:
        bounds.append(room(offered, grid, {number: taken[number] for number in place.schedule.lanes}))
        bounds += _left_of_dates(offered, place.schedule, booked)
    if place.tables:
        bounds.append(seatable(offered, grid, place.tables, party_size, taken))
    left = [min(several) for several in zip(*bounds, strict=True)] if bounds else [None] * len(offered)
    return [
        Slot(Span(start, start + grid.duration), remaining)
        for start, remaining in zip((datetime.fromtimestamp(one, UTC) for one in offered), left, strict=True)
        if remaining is None or remaining > 0
    ]


def starts(place: Place, window: Span, grid: Grid) -> list[int]:
    """Tell where a booking may start in a window, whatever is taken: on the grid and inside the opening hours.

    The grid begins anew with every stretch of the hours that `grid_hours` tells; without hours a stretch is a local
    day. It steps in time that passes, so a day when the clock jumps has as many starts as it has hours.
    """
    length, step = int(grid.duration.total_seconds()), int(grid.interval.total_seconds())
    low, high = epoch_seconds(window.start), epoch_seconds(window.end)
    opened = _opened(place, Span(window.start, window.end + grid.duration))
    begins = [begin for begin, _ in opened]
    offered: set[int] = set()
    for anchor, anchor_end in _laid_out(*grid_hours(place), window):
        for begin, end in opened[max(0, bisect_right(begins, anchor) - 1) : bisect_left(begins, anchor_end)]:
            first = anchor - (anchor - max(anchor, begin, low)) // step * step
            offered.update(range(first, min(anchor_end, end - length + 1, high), step))
    return sorted(offered)


def room(offered: Sequence[int], grid: Grid, taken: Mapping[int, Iterable[Stretch]]) -> list[int]:
    """Tell how many resources are free at each start.

    Args:
        offered: starts in order.
        grid: how long each lasts.
        taken: for each resource, when it is taken.
    """
    changes = [0] * (len(offered) + 1)
    for stretches in taken.values():
        for first, last in _blocked(offered, grid, stretches):
            changes[first] -= 1
            changes[last] += 1
    return [len(taken) + less for less in accumulate(changes[:-1])]


def seatable(
    offered: Sequence[int], grid: Grid, tables: Sequence[TablePlace], party_size: int, taken: Taken
) -> list[int]:
    """Tell how many parties of one size the tables that are free at each start would seat, one after another."""
    changes = [0] * (len(offered) + 1)  # which tables fall free or are taken there: table n is the nth bit
    for bit, table in enumerate(tables):
        for first, last in _blocked(offered, grid, taken[table.resource_no]):
            changes[first] ^= 1 << bit
            changes[last] ^= 1 << bit
    known: dict[int, int] = {}
    found = []
    for free in accumulate(changes[:-1], xor, initial=(1 << len(tables)) - 1):
        if free not in known:
            known[free] = parties([table for bit, table in enumerate(tables) if free >> bit & 1], party_size)
        found.append(known[free])
    return found[1:]


def _left_of_dates(offered: Sequence[int], schedule: SchedulePlace, booked: Mapping[date, int]) -> list[list[int]]:
    """Tell for each start how many more bookings its date takes; nothing at all without a limit."""
    limit = schedule.max_bookings_per_day
    if limit is None:
        return []
    zone = ZoneInfo(schedule.timezone)
    return [[limit - booked.get(datetime.fromtimestamp(start, zone).date(), 0) for start in offered]]


def _opened(place: Place, span: Span) -> list[Stretch]:
    """Tell when schedule and location, where there are both, are both open."""
    hours = [(one.hours, one.timezone) for one in (place.schedule, place.location) if one and one.hours != ALWAYS]
    everything = [(epoch_seconds(span.start), epoch_seconds(span.end))]
    return reduce(common, (joined(_laid_out(*each, span)) for each in hours), everything)


def _laid_out(hours: Hours, zone: str, span: Span) -> Iterator[Stretch]:
    return ((epoch_seconds(opening.start), epoch_seconds(opening.end)) for opening in openings(hours, zone, span))


def _blocked(offered: Sequence[int], grid: Grid, stretches: Iterable[Stretch]) -> list[Stretch]:
    """Tell which starts a resource cannot have, by their places in a row of them, from one up to another."""
    ahead = int((grid.duration + grid.after).total_seconds())
    behind = int(grid.before.total_seconds())
    return joined(
        (bisect_right(offered, begin - ahead), bisect_left(offered, end + behind)) for begin, end in stretches
    )
