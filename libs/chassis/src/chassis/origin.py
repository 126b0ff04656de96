"""Where a change comes from, as its events tell it.

Invariant: every event of one request has the same origin.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The request or the event behind a change.

    Attributes:
        request_id: ties the change's events together.
        traceparent: the trace context, which goes on with them.
        event_id: the event that they follow from.
    """

    request_id: str
    traceparent: str | None = None
    event_id: str | None = None
