"""What happened to a location or table, in the words of the public catalog (events.md section 2).

Invariant: an event tells of the entity as it is stored with it, and carries the number and id that are stored there.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from booking.domain.actors import Actor
from booking.domain.facts import NextId
from booking.domain.reference import LOCATIONS, TABLES, Kind, Stored, T
from booking.service.events import message_of
from chassis.origin import Origin
from chassis.outbox import OutboxMessage
from slotwire_contracts import Location, Table, make_event

_SNAPSHOTS: Mapping[str, type[Location | Table]] = {LOCATIONS.name: Location, TABLES.name: Table}


def tell(
    kind: Kind[T], before: Stored[T] | None, after: Stored[T], actor: Actor, origin: Origin, *, next_id: NextId
) -> tuple[Stored[T], list[OutboxMessage]]:
    """Answer a new, changed or deleted entity numbered for the event that tells of it, and what the topic gets.

    Nothing is told of a kind that has no events.

    Args:
        kind: of which kind it is.
        before: as it was; None when it is new.
        after: as it is to be stored.
        actor: who did it.
        origin: the request behind it.
        next_id: makes the event's id, greater than the latest one's.
    """
    if not kind.emits:
        return after, []
    word, change = _catalog(kind, before, after)
    at = after.deleted_at or after.updated_at
    told = replace(after, sequence=after.sequence + 1, last_event_id=next_id(after.last_event_id, at))
    event = make_event(
        f"{kind.noun}.{word}",
        id=str(told.last_event_id),
        time=at,
        resource=_snapshot(kind, told),
        change=change,
        orgid=actor.org_id,
        sequence=told.sequence,
        actor=actor.name,
        correlationid=origin.request_id,
        traceparent=origin.traceparent,
    )
    return told, [message_of(event)]


def _catalog(kind: Kind[T], before: Stored[T] | None, after: Stored[T]) -> tuple[str, dict[str, Any]]:
    """Answer the last word of the event's type and its `change`."""
    if before is None:
        return "created", {}
    if after.deleted_at is not None:
        return "deleted", {}
    was, now = (_snapshot(kind, stored).model_dump(mode="json") for stored in (before, after))
    names = [name for name in now if name != "updated_at" and was[name] != now[name]]
    return "updated", {"changes": {name: {"from": was[name], "to": now[name]} for name in names}}


def _snapshot(kind: Kind[T], stored: Stored[T]) -> Location | Table:
    shown = {"id": stored.id, "created_at": stored.created_at, "updated_at": stored.updated_at}
    return _SNAPSHOTS[kind.name].model_validate({**asdict(stored.entity), **shown})
