"""What happened, in the words of the public catalog (events.md section 2).

Invariant: history, topic and webhooks tell of the same event: one id, one type, one change.
"""

from datetime import datetime
from typing import Any, assert_never

from booking.domain.actors import Actor
from booking.domain.facts import Assigned, Created, Event, Fact, StatusChanged, Unassigned, Updated
from booking.domain.holds import Hold
from booking.service.snapshots import hold_snapshot, snapshot
from booking.store.history import Entry
from chassis.origin import Origin
from chassis.outbox import OutboxMessage
from slotwire_contracts import (
    CATALOG,
    CatalogEvent,
    HoldReleased,
    ReleaseReason,
    ReservationEvent,
    encode,
    make_event,
    record_key,
)


def event_of(event: Event, actor: Actor, origin: Origin) -> ReservationEvent:
    """Tell what happened to a booking, and the booking right after it."""
    word, change = _catalog(event.fact)
    return make_event(
        f"reservation.{word}",
        id=event.id,
        time=event.at,
        resource=snapshot(event.booking),
        change=change,
        orgid=event.booking.org_id,
        sequence=event.sequence,
        actor=actor.name,
        correlationid=origin.request_id,
        causationid=origin.event_id,
        traceparent=origin.traceparent,
    )


def entry_of(event: ReservationEvent) -> Entry:
    """Tell what history keeps of an event."""
    change = event.data.change.model_dump(mode="json")
    return Entry(event.id, event.sequence, event.type, event.time, change)


def released(
    hold: Hold, reason: ReleaseReason, origin: Origin, *, actor: str, event_id: str, at: datetime
) -> HoldReleased:
    """Tell that what a hold held is free; it is the first and only event of the hold."""
    return make_event(
        "hold.released",
        id=event_id,
        time=at,
        resource=hold_snapshot(hold),
        change={"reason": reason},
        orgid=hold.org_id,
        sequence=1,
        actor=actor,
        correlationid=origin.request_id,
        causationid=origin.event_id,
        traceparent=origin.traceparent,
    )


def message_of(event: CatalogEvent) -> OutboxMessage:
    """Tell what its topic gets of an event: all of it, under the id of what it is about."""
    return OutboxMessage(event.id, CATALOG[event.type].topic.name, record_key(event), encode(event))


def _catalog(fact: Fact) -> tuple[str, dict[str, Any]]:
    """Answer the last word of the fact's type and its `change`."""
    match fact:
        case Created(source, party_size, walk_in, entry_id):
            context = {"walk_in": True} if walk_in else {}
            return "created", {"source": source, "party_size": party_size, "waitlist_entry_id": entry_id, **context}
        case Updated(changes):
            told = {name: {"from": change.before, "to": change.after} for name, change in changes.items()}
            return "updated", {"changes": told}
        case Assigned(table_ids):
            return "assigned", {"table_ids": table_ids}
        case Unassigned(table_ids):
            return "unassigned", {"table_ids": table_ids}
        case StatusChanged(before, after, reason):
            word = after.lower()
            return word, {"from_status": before.lower(), "to_status": word, "reason": reason}
        case _:
            assert_never(fact)
