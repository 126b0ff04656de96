"""Reading an event's record for its deliveries: the envelope as JSON, and the trace that goes on with each attempt.

Invariant: the same record gives the same bytes, now and at any retry.
"""

from typing import NamedTuple

from pydantic_core import from_json, to_json

from webhook_dispatcher.domain.envelope import envelope


class Composition(NamedTuple):
    """What the deliveries of an event have in common.

    Attributes:
        tail: what follows the `id` in the body of each.
        traceparent: the trace context of what created the event.
    """

    tail: bytes
    traceparent: str | None


def compose(record: bytes) -> Composition:
    """Compose what the deliveries of an event have in common.

    Args:
        record: the event as it stands on its topic, of a type of the catalog.
    """
    event = from_json(record)
    return Composition(to_json(envelope(event))[1:], event.get("traceparent"))
