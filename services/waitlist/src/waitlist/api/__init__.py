"""The HTTP API: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from chassis.web import Route
from waitlist.api.entries import routes as entry_routes
from waitlist.api.errors import ERRORS
from waitlist.api.event_waitlist import routes as event_routes
from waitlist.api.explaining import routes as explain_routes
from waitlist.api.guest_page import add_guest_page
from waitlist.api.offers import routes as offer_routes
from waitlist.api.policies import routes as policy_routes
from waitlist.service.use_cases import UseCases

__all__ = ["ERRORS", "add_guest_page", "routes"]


def routes(use: UseCases) -> list[Route]:
    """List every operation."""
    return [
        *entry_routes(use.entries),
        *offer_routes(use.converting, use.notifying, use.ending),
        *explain_routes(use.explaining),
        *policy_routes(use.policies),
        *event_routes(use.entries),
    ]
