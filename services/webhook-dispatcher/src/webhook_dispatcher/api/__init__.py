"""The HTTP API of the dispatcher: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from collections.abc import Mapping

from chassis.web import Route
from webhook_dispatcher.api.deliveries import routes as delivery_routes
from webhook_dispatcher.api.health import routes as health_routes
from webhook_dispatcher.api.subscriptions import routes as subscription_routes
from webhook_dispatcher.service.deliveries import Deliveries
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.service.subscriptions import Subscriptions

__all__ = ["ERRORS", "routes"]

ERRORS: Mapping[str, int] = {}
"""The status of each code of this service's own; those of `domain.errors` are every service's."""


def routes(subscriptions: Subscriptions, deliveries: Deliveries, health: EndpointHealth) -> list[Route]:
    """List every operation."""
    return [*subscription_routes(subscriptions), *delivery_routes(deliveries), *health_routes(health)]
