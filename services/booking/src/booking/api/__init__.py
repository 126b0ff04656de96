"""The HTTP API of the booking service: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from dataclasses import dataclass

from booking.api.availability import routes as availability_routes
from booking.api.bookings import routes as booking_routes
from booking.api.errors import ERRORS
from booking.api.feed import routes as feed_routes
from booking.api.holds import routes as hold_routes
from booking.api.instances import routes as instance_routes
from booking.api.reference import routes as reference_routes
from booking.api.reservations import routes as reservation_routes
from booking.service.availability import Availability
from booking.service.bookings import Bookings
from booking.service.holds import Holds
from booking.service.instances import EventInstances
from booking.service.reference import ReferenceData
from booking.service.reservations import Reservations
from chassis.web import Route

__all__ = ["ERRORS", "UseCases", "routes"]


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """What the operations run."""

    bookings: Bookings
    reservations: Reservations
    holds: Holds
    availability: Availability
    data: ReferenceData
    instances: EventInstances


def routes(run: UseCases) -> list[Route]:
    """List every operation."""
    return [
        *booking_routes(run.bookings),
        *hold_routes(run.holds),
        *availability_routes(run.availability),
        *feed_routes(run.bookings),
        *reservation_routes(run.bookings, run.reservations),
        *reference_routes(run.data),
        *instance_routes(run.instances),
    ]
