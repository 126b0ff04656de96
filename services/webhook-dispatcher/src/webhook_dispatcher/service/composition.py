"""Writing an event's envelope as JSON.

Invariant: the same record gives the same bytes, now and at any retry.
"""

from pydantic_core import from_json, to_json

from webhook_dispatcher.domain.envelope import envelope


def compose_tail(record: bytes) -> bytes:
    """Write what follows the `id` in the body of every delivery of an event.

    Args:
        record: the event as it stands on its topic, of a type of the catalog.
    """
    return to_json(envelope(from_json(record)))[1:]
