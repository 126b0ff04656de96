"""What an event type allows to be booked: which lengths, at which starts, how long and how far ahead.

Invariant: free time is looked for with the grid and the bounds that are told here, and bookings are checked with the
same: what is offered is what can be booked.
"""

from datetime import datetime, timedelta

from booking.domain.errors import OutsideAvailabilityError
from booking.domain.hours import ALWAYS, Hours, openings
from booking.domain.place import Appointment, Place
from booking.domain.times import Span


def grid_hours(place: Place) -> tuple[Hours, str]:
    """Tell where grids begin: with whose opening hours, and in which zone.

    They are the schedule's, or the location's where there is no schedule or only the location has hours at all. Where
    neither has any, a grid begins with the local day.
    """
    found = [one for one in (place.schedule, place.location) if one is not None]
    framing = next((one for one in found if one.hours != ALWAYS), found[0])
    return framing.hours, framing.timezone


def earliest(appointment: Appointment | None, now: datetime) -> datetime:
    """Tell from when on a booking may start."""
    return now if appointment is None else now + timedelta(minutes=appointment.minimum_notice_minutes)


def latest(appointment: Appointment | None, now: datetime) -> datetime | None:
    """Tell when a booking may start at the latest; None: at any time."""
    if appointment is None or appointment.horizon_days is None:
        return None
    return now + timedelta(days=appointment.horizon_days)


def check_offered(span: Span, place: Place, now: datetime) -> None:
    """Refuse a time that the event type does not offer, whatever is taken.

    Args:
        span: when the booking is to be, without buffers.
        place: where, with its event type if it has one.
        now: the current instant.

    Raises:
        OutsideAvailabilityError: it lasts as long as none of the event type, starts beside its grid, or too soon or
            too far from now; `details` names the rule and its value.
    """
    appointment = place.appointment
    if appointment is None:
        return
    _check_length(span, appointment)
    _check_start(span.start, place, appointment, now)


def check_length(span: Span, place: Place) -> None:
    """Refuse a length that the event type does not offer, of a booking that keeps its start.

    Raises:
        OutsideAvailabilityError: as `check_offered` says.
    """
    if place.appointment is not None:
        _check_length(span, place.appointment)


def _check_length(span: Span, appointment: Appointment) -> None:
    lengths = appointment.durations_minutes
    if lengths is not None and span.end - span.start not in {timedelta(minutes=length) for length in lengths}:
        told = ", ".join(map(str, lengths))
        raise _outside("durations_minutes", list(lengths), f"the event type lasts {told} minutes", param="end_time")


def _check_start(start: datetime, place: Place, appointment: Appointment, now: datetime) -> None:
    step = appointment.interval_minutes
    if step is not None and not _is_on_grid(start, place, timedelta(minutes=step)):
        raise _outside("interval_minutes", step, f"the event type starts every {step} minutes from its opening on")
    notice = appointment.minimum_notice_minutes
    if notice and start < earliest(appointment, now):  # without notice, staff may book the past
        raise _outside("minimum_notice_minutes", notice, f"the event type is booked at least {notice} minutes ahead")
    end = latest(appointment, now)
    if end is not None and start > end:
        days = appointment.horizon_days
        raise _outside("horizon_days", days, f"the event type is booked at most {days} days ahead")


def _is_on_grid(start: datetime, place: Place, step: timedelta) -> bool:
    return any(
        opening.start <= start < opening.end and not (start - opening.start) % step
        for opening in openings(*grid_hours(place), Span(start, start))
    )


def _outside(rule: str, value: object, message: str, *, param: str = "start_time") -> OutsideAvailabilityError:
    return OutsideAvailabilityError(message, param=param, details={"rule": rule, rule: value})
