"""The HTTP API of the booking service: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from booking.api import bookings, feed, reference
from booking.api.errors import ERRORS
from booking.service.bookings import Bookings
from booking.service.reference import ReferenceData
from chassis.web import Route

__all__ = ["ERRORS", "routes"]


def routes(use_cases: Bookings, data: ReferenceData) -> list[Route]:
    """List every operation."""
    return [*bookings.routes(use_cases), *feed.routes(use_cases), *reference.routes(data)]
