"""The HTTP API of the booking service: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from booking.api.availability import routes as availability_routes
from booking.api.bookings import routes as booking_routes
from booking.api.errors import ERRORS
from booking.api.feed import routes as feed_routes
from booking.api.holds import routes as hold_routes
from booking.api.instances import routes as instance_routes
from booking.api.reference import routes as reference_routes
from booking.service.availability import Availability
from booking.service.bookings import Bookings
from booking.service.holds import Holds
from booking.service.instances import EventInstances
from booking.service.reference import ReferenceData
from chassis.web import Route

__all__ = ["ERRORS", "routes"]


def routes(
    use_cases: Bookings, holds: Holds, availability: Availability, data: ReferenceData, instances: EventInstances
) -> list[Route]:
    """List every operation."""
    return [
        *booking_routes(use_cases),
        *hold_routes(holds),
        *availability_routes(availability),
        *feed_routes(use_cases),
        *reference_routes(data),
        *instance_routes(instances),
    ]
