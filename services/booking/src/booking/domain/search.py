"""What a caller looks for when looking for free time, completed by what the place says.

Invariant: a window lies where bookings can be stored and the event type takes them, and never in the past.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.domain.booking import Booking
from booking.domain.errors import Flaw, Flaws, ValidationFailedError
from booking.domain.hours import day_span, wall_instant
from booking.domain.offering import earliest, latest
from booking.domain.place import Place
from booking.domain.times import EARLIEST, LATEST, Span, local_date

LONGEST_WINDOW = timedelta(days=62)
_WEEK = timedelta(days=7)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a caller looks for.

    Attributes:
        schedule_id: it or `location_id`, or both, are given.
        since: from when on; a date is one of the place. None is now.
        until: up to when; a date is one of the place, and the last. None is a week later.
        duration_minutes: how long; None for as long as the event type says, or the location alone.
        interval_minutes: the distance of the starts; None for the event type's, or else as long as a booking lasts, and
            as the location says where it is alone.
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
class Grid:
    """Which starts are looked at.

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


def grid_of(search: Search, place: Place, moving: Booking | None = None) -> Grid:
    """Tell which grid is looked at.

    Args:
        search: what is looked for.
        place: where.
        moving: the booking that is to move, with the buffers that it was made with.

    Raises:
        ValidationFailedError: nothing says how long a booking lasts, or the event type has no such length or interval.
    """
    duration = _duration(search, place)
    interval = _interval(search, place, duration)
    flaws = Flaws()
    appointment = place.appointment
    lengths = appointment.durations_minutes if appointment else None
    if lengths is not None and duration not in lengths:
        flaws.add("duration_minutes", f"must be one of {', '.join(map(str, lengths))} for this event type", "one_of")
    step = appointment.interval_minutes if appointment else None
    if step is not None and interval % step:
        flaws.add("interval_minutes", f"must be a multiple of {step} for this event type", "multiple_of")
    flaws.tell()
    before, after = place.buffers
    if moving is not None:
        before, after = moving.buffer_before_minutes, moving.buffer_after_minutes
    return Grid(*(timedelta(minutes=minutes) for minutes in (duration, interval, before, after)))


def _duration(search: Search, place: Place) -> int:
    if search.duration_minutes is not None:
        return search.duration_minutes
    if place.appointment is not None:
        return place.appointment.duration_minutes
    if place.schedule is None and place.location is not None:
        return place.location.visit_minutes
    raise ValidationFailedError(
        Flaw("duration_minutes", "must be given for a schedule without an event_type_id", "missing")
    )


def _interval(search: Search, place: Place, duration: int) -> int:
    if search.interval_minutes is not None:
        return search.interval_minutes
    if place.appointment is not None and place.appointment.interval_minutes is not None:
        return place.appointment.interval_minutes
    if place.schedule is None and place.location is not None:
        return place.location.interval_minutes
    return duration


def window_of(search: Search, place: Place, grid: Grid, *, now: datetime) -> Span:
    """Tell in which time starts are looked for; it may be empty.

    Raises:
        ValidationFailedError: it ends before it begins, is longer than 62 days, or leaves 1970-01-02 to 2199-12-31.
    """
    flaws = Flaws()
    for param, given in (("from", search.since), ("to", search.until)):
        if given is not None and not _can_be_stored(given):
            flaws.add(param, f"must lie between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}", "bounds")
    flaws.tell()
    since = _instant(search.since, place.zone, default=now)
    until = _instant(search.until, place.zone, default=since + _WEEK, whole_day=True)
    if until <= since:
        raise ValidationFailedError(Flaw("to", "must be after from", "after_from"))
    if until - since > LONGEST_WINDOW:
        raise ValidationFailedError(Flaw("to", f"must be at most {LONGEST_WINDOW.days} days after from", "max_window"))
    bounds = [until, LATEST - grid.duration - grid.after]
    if (last := latest(place.appointment, now)) is not None:
        bounds.append(last.replace(microsecond=0) + _SECOND)  # what starts then is offered yet
    first = max(since, _whole_second(earliest(place.appointment, now)), EARLIEST + grid.before)
    return Span(first, max(first, min(bounds)))


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


def _whole_second(instant: datetime) -> datetime:
    """Answer the first whole second that is not before an instant."""
    return instant.replace(microsecond=0) + (_SECOND if instant.microsecond else timedelta())


def looked_at(window: Span, grid: Grid) -> Span:
    """Tell which time decides about the starts of a window."""
    return Span(window.start - grid.before, window.end + grid.duration + grid.after)


def whole_dates(window: Span, zone: str) -> Span:
    """Tell when the dates of a zone on which a window begins and ends, and those between them, begin and end."""
    first, last = (day_span(local_date(instant, zone), zone) for instant in (window.start, window.end))
    return Span(first.start, last.end)
