"""The body of a delivery (events.md section 4).

Invariant: a body is a pure function of the event's record and the delivery's id, so every attempt sends the same
bytes; all but the id is written once an event and shared by its subscriptions.
"""

from collections.abc import Mapping
from typing import Any

from slotwire_contracts import CATALOG

API_VERSION = "2026-11-01"


def envelope(event: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out what follows the `id` in the body of every delivery of an event.

    Args:
        event: the event as it stands on its topic, of a type of the catalog.
    """
    return {
        "event": event["type"],
        "resource": CATALOG[event["type"]].resource,
        "resourceId": event["subject"],
        "timestamp": event["time"],
        "apiVersion": API_VERSION,
        "eventId": event["id"],
        "data": _spread(event["data"]),
    }


def body_of(delivery_id: str, tail: bytes) -> bytes:
    """Write a delivery's body: its id, then the tail, which is the JSON of its event's envelope after the brace."""
    return b'{"id":"%b",%b' % (delivery_id.encode(), tail)


def type_of(tail: bytes) -> str:
    """Read the type of a tail's event, which stands first in it."""
    return tail.split(b'"', 4)[3].decode()


def event_id_of(tail: bytes) -> str:
    """Read the id of a tail's event."""
    return tail.split(b'"eventId":"', 1)[1].split(b'"', 1)[0].decode()


def _spread(data: Mapping[str, Any]) -> dict[str, Any]:
    """Spread the snapshot, with the keys of the change beside it; where both have one, the change tells it."""
    return {**data["resource"], **data["change"]}
