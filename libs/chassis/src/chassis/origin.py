"""Where a change comes from, as its events tell it.

Invariant: every event of one request has the same origin.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The request behind a change: its id ties the change's events together, its trace context goes on with them."""

    request_id: str
    traceparent: str | None = None
