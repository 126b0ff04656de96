"""The HTTP API: every handler parses, calls one use case and renders.

Invariant: no rule and no SQL lives here; every refusal's code has its status in `ERRORS`.
"""

from calcom_sync.api.errors import ERRORS
from chassis.web import Route

__all__ = ["ERRORS", "routes"]


def routes() -> list[Route]:
    """List every operation."""
    return []
