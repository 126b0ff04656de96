"""The HTTP API: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from calcom_sync.api.errors import ERRORS
from calcom_sync.api.integrations import routes as integration_routes
from calcom_sync.api.runs import routes as run_routes
from calcom_sync.api.syncs import routes as sync_routes
from calcom_sync.api.webhooks import RECEIVING, add_receiver
from calcom_sync.service.asking import Asking
from calcom_sync.service.integrations import Integrations
from calcom_sync.service.runs import Runs
from chassis.web import Route

__all__ = ["ERRORS", "RECEIVING", "add_receiver", "routes"]


def routes(integrations: Integrations, asking: Asking, runs: Runs) -> list[Route]:
    """List every operation."""
    return [*sync_routes(asking), *integration_routes(integrations), *run_routes(runs)]
