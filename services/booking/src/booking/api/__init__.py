"""The HTTP API of the booking service: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from booking.api.availability import routes as availability_routes
from booking.api.bookings import routes as booking_routes
from booking.api.errors import ERRORS
from booking.api.feed import routes as feed_routes
from booking.api.reference import routes as reference_routes
from booking.api.reservations import routes as reservation_routes
from booking.service.availability import Availability
from booking.service.bookings import Bookings
from booking.service.reference import ReferenceData
from booking.service.reservations import Reservations
from chassis.web import Route

__all__ = ["ERRORS", "routes"]


def routes(
    use_cases: Bookings, reservations: Reservations, availability: Availability, data: ReferenceData
) -> list[Route]:
    """List every operation."""
    return [
        *booking_routes(use_cases),
        *availability_routes(availability),
        *feed_routes(use_cases),
        *reservation_routes(use_cases, reservations),
        *reference_routes(data),
    ]
