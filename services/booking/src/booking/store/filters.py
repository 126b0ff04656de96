"""The filters of lists of bookings as SQL.

Invariant: what is always filtered on, the organization and for a client the client, comes first.
"""

from collections.abc import Iterable

from booking.domain.actors import Actor
from booking.domain.listing import BookingFilter, ReservationFilter
from booking.domain.status import Status
from booking.store.where import Condition, joined, starting


def conditions(actor: Actor, wanted: BookingFilter) -> tuple[str, list[object]]:
    """Answer a WHERE clause, all but the status, and the values of its parameters."""
    return joined(
        *_within_reach(actor),
        ("schedule_id =", wanted.schedule_id),
        ("event_type_id =", wanted.event_type_id),
        ("location_id =", wanted.location_id),
        ("event_instance_id =", wanted.event_instance_id),
        ("client_id =", wanted.client_id),
        ("start_time >", wanted.starts_after),
        *starting(wanted.starts_from, wanted.starts_until),
        ("lower(attendee_email) =", None if wanted.attendee_email is None else wanted.attendee_email.lower()),
    )


def statuses(wanted: BookingFilter) -> list[Status]:
    """Answer the statuses to look under: the indexes have the status before the start, so it is always given."""
    return list(Status) if wanted.status is None else [wanted.status]


def reservation_conditions(actor: Actor, wanted: ReservationFilter) -> tuple[str, list[object]]:
    """Answer a WHERE clause and the values of its parameters."""
    return joined(
        *_within_reach(actor),
        ("schedule_id =", wanted.schedule_id),
        ("location_id =", wanted.location_id),
        ("status =", wanted.status),
        ("updated_at >=", wanted.updated_since),
    )


def _within_reach(actor: Actor) -> Iterable[Condition]:
    return ("org_id =", actor.org_id), ("client_id =", actor.client_id)
