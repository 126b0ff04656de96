"""Which starts of a grid can be booked, and how many more bookings each can take (architecture.md section 5, Time).

Invariant: a start is offered with room for n more exactly when n bookings would find what they need free for all of its
time, buffers included, no limit of its date is in their way, and its time without buffers lies inside the opening hours
of schedule and location: what is offered is what booking it would find.
Times are epoch seconds here: a month holds thousands of starts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import accumulate
from operator import xor
from zoneinfo import ZoneInfo

from booking.domain.hours import ALWAYS, Hours, openings
from booking.domain.offering import grid_hours
from booking.domain.place import Place, SchedulePlace, TablePlace
from booking.domain.search import Grid
from booking.domain.seating import counter
from booking.domain.stretches import Stretch, common, joined
from booking.domain.times import Span, epoch_seconds

Blocked = Mapping[int, Sequence[Stretch]]
"""When nothing can start on resources, as it would run into what is there, by their numbers; stretches are joined."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked, in epoch seconds, and how many more bookings it can take; None: any number."""

    start: int
    end: int
    remaining: int | None


def resources(place: Place) -> list[int]:
    """Answer the numbers of all that bookings of the place need some of."""
    lanes = place.schedule.lanes if place.schedule else ()
    return [*lanes, *(table.resource_no for table in place.tables)]


def slots(
    place: Place,
    party_size: int,
    window: Span,
    grid: Grid,
    *,
    blocked: Blocked,
    booked: Mapping[date, int],
    unplaced: Sequence[Stretch] = (),
) -> list[Slot]:
    """Tell what can be booked.

    Args:
        place: where.
        party_size: for how many.
        window: in which time.
        grid: which starts.
        blocked: of each of the place's resources.
        booked: how many bookings start on each date of the schedule, where it has a daily limit.
        unplaced: which starts are in the way of each booking that has no lane of the schedule.
    """
    offered = starts(place, window, grid)
    bounds: list[list[int]] = []
    if place.schedule is not None:
        lanes = room(offered, {number: blocked[number] for number in place.schedule.lanes})
        without = how_many(offered, unplaced)
        bounds.append([free - missing for free, missing in zip(lanes, without, strict=True)])
        bounds += _left_of_dates(offered, place.schedule, booked)
    if place.tables:
        bounds.append(seatable(offered, blocked, place.tables, party_size))
    left = [min(several) for several in zip(*bounds, strict=True)] if bounds else [None] * len(offered)
    length = int(grid.duration.total_seconds())
    return [
        Slot(start, start + length, remaining)
        for start, remaining in zip(offered, left, strict=True)
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


def how_many(offered: Sequence[int], stretches: Sequence[Stretch]) -> list[int]:
    """Tell in how many stretches each start lies."""
    begins, ends = (sorted(edges) for edges in zip(*stretches, strict=True)) if stretches else ([], [])
    return [bisect_right(begins, start) - bisect_right(ends, start) for start in offered]


def room(offered: Sequence[int], blocked: Blocked) -> list[int]:
    """Tell how many resources are free at each start.

    Args:
        offered: starts in order.
        blocked: of each of the resources.
    """
    changes = [0] * (len(offered) + 1)
    for stretches in blocked.values():
        for begin, end in stretches:
            changes[bisect_left(offered, begin)] -= 1
            changes[bisect_left(offered, end)] += 1
    return [len(blocked) + less for less in accumulate(changes[:-1])]


def seatable(offered: Sequence[int], blocked: Blocked, tables: Sequence[TablePlace], party_size: int) -> list[int]:
    """Tell how many parties of one size the tables that are free at each start would seat, one after another."""
    changes = [0] * (len(offered) + 1)  # which tables are taken or fall free there: table n is the nth bit
    for place, table in enumerate(tables):
        for stretch in blocked[table.resource_no]:
            for edge in stretch:
                changes[bisect_left(offered, edge)] ^= 1 << place
    changes[0] ^= (1 << len(tables)) - 1
    return list(map(counter(tables, party_size), accumulate(changes[:-1], xor)))


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
