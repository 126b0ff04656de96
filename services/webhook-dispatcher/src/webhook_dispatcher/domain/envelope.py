"""The body of a delivery (events.md section 4).

Invariant: a body is a pure function of the event's record and the delivery's id, so every attempt sends the same
bytes; all but the id is composed once an event and shared by its subscriptions.
"""

import json
from typing import Any

from slotwire_contracts import CATALOG

API_VERSION = "2026-11-01"


def compose_tail(record: bytes) -> bytes:
    """Compose what follows the `id` in the body of every delivery of an event.

    Args:
        record: the event as it stands on its topic, of a type of the catalog.
    """
    event = json.loads(record)
    body = {
        "event": event["type"],
        "resource": CATALOG[event["type"]].resource,
        "resourceId": event["subject"],
        "timestamp": event["time"],
        "apiVersion": API_VERSION,
        "eventId": event["id"],
        "data": _spread(event["data"]),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[1:]


def compose_body(delivery_id: str, tail: bytes) -> bytes:
    """Compose a delivery's body out of its id and its event's tail."""
    return b'{"id":"%b",%b' % (delivery_id.encode(), tail)


def _spread(data: dict[str, Any]) -> dict[str, Any]:
    """Spread the snapshot, with the keys of the change beside it; where both have one, the change tells it."""
    return {**data["resource"], **data["change"]}
