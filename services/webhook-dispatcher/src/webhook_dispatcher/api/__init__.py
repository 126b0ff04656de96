"""The HTTP API of the dispatcher: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from collections.abc import Mapping

from chassis.web import Route
from webhook_dispatcher.api.deliveries import routes as delivery_routes
from webhook_dispatcher.api.health import routes as health_routes
from webhook_dispatcher.api.ledger import routes as ledger_routes
from webhook_dispatcher.api.recovery import routes as recovery_routes
from webhook_dispatcher.api.subscriptions import routes as subscription_routes
from webhook_dispatcher.service.deliveries import Deliveries
from webhook_dispatcher.service.health import EndpointHealth
from webhook_dispatcher.service.ledger import Ledgers
from webhook_dispatcher.service.recovery import Recovery
from webhook_dispatcher.service.subscriptions import Subscriptions
from webhook_dispatcher.service.trials import Trials

__all__ = ["ERRORS", "routes"]

ERRORS: Mapping[str, int] = {
    "subscription_disabled": 409,
    "subscription_deleted": 409,
    "still_discarding": 409,
    "event_gone": 409,
    "replay_running": 409,
    "too_many_subscriptions": 409,
}
"""The status of each code of this service's own; those of `domain.errors` are every service's."""


def routes(
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    *,
    ledgers: Ledgers,
    recovery: Recovery,
    trials: Trials,
    health: EndpointHealth,
) -> list[Route]:
    """List every operation."""
    return [
        *subscription_routes(subscriptions),
        *delivery_routes(deliveries),
        *ledger_routes(ledgers),
        *recovery_routes(recovery, trials),
        *health_routes(health),
    ]
