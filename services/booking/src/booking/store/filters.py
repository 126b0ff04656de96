"""The filters of a list of bookings as SQL.

Invariant: what is always filtered on, the organization and for a client the client, comes first.
"""

from datetime import date, datetime

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter


def conditions(actor: Actor, wanted: BookingFilter) -> tuple[str, list[object]]:
    """Answer a WHERE clause and the values of its parameters."""
    asked: list[tuple[str, object]] = [
        ("org_id =", actor.org_id),
        ("client_id =", actor.client_id),
        ("schedule_id =", wanted.schedule_id),
        ("event_type_id =", wanted.event_type_id),
        ("event_instance_id =", wanted.event_instance_id),
        ("status =", wanted.status),
        ("start_time >", wanted.starts_after),
        (f"{_column(wanted.starts_from)} >=", wanted.starts_from),
        (f"{_column(wanted.starts_until)} <=", wanted.starts_until),
        ("lower(attendee_email) =", None if wanted.attendee_email is None else wanted.attendee_email.lower()),
    ]
    given = [(condition, value) for condition, value in asked if value is not None]
    where = " AND ".join(f"{condition} ${number}" for number, (condition, _) in enumerate(given, 1))
    return where, [value for _, value in given]


def _column(bound: date | datetime | None) -> str:
    """Compare instants with the start itself, and bare dates with its date in the booking's own zone."""
    return "start_time" if bound is None or isinstance(bound, datetime) else "local_date"
