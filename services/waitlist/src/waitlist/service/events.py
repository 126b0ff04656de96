"""What happened, in the words of the public catalog (events.md section 2).

Invariant: an event tells of the entry as it is stored with it, and carries the number, id and time stored there.
"""

from typing import Any, assert_never

from chassis.origin import Origin
from chassis.outbox import OutboxMessage
from slotwire_contracts import (
    WAITLIST_EVENTS,
    NotifiedChange,
    OfferedInstance,
    OfferedSlot,
    OfferEnd,
    WaitlistEntryEvent,
    encode,
    make_event,
    record_key,
)
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry
from waitlist.domain.happening import (
    Converted,
    Declined,
    Happening,
    Joined,
    Notified,
    OfferExpired,
    Removed,
    Updated,
)
from waitlist.domain.offer import Offer, OfferState
from waitlist.service.snapshots import snapshot

_UNTOLD = {"version", "updatedAt"}  # what every change changes


def event_of(happening: Happening, entry: Entry, actor: Actor, origin: Origin) -> WaitlistEntryEvent:
    """Tell what happened to an entry, and the entry right after it.

    Args:
        happening: what happened.
        entry: `numbered` for it.
        actor: who did it.
        origin: the request behind it.
    """
    if entry.last_event_id is None:
        raise AssertionError("an entry that was numbered has an event")
    word, change = _catalog(happening, entry)
    return make_event(
        f"waitlist_entry.{word}",
        id=entry.last_event_id,
        time=entry.updated_at,
        resource=snapshot(entry),
        change=change,
        orgid=entry.org_id,
        sequence=entry.sequence,
        actor=actor.name,
        correlationid=origin.request_id,
        traceparent=origin.traceparent,
    )


def message_of(event: WaitlistEntryEvent) -> OutboxMessage:
    """Tell what the topic gets of an event: all of it, under the id of the entry."""
    return OutboxMessage(event.id, WAITLIST_EVENTS.name, record_key(event), encode(event))


def _catalog(happening: Happening, entry: Entry) -> tuple[str, NotifiedChange | dict[str, Any]]:
    """Answer the last word of the event's type and its `change`."""
    match happening:
        case Joined():
            return "joined", {}
        case Updated(before):
            return "updated", {"changes": _changes(before, entry)}
        case Removed(reason):
            return "removed", {"reason": reason}
        case Notified():
            return "notified", _offered(happening, entry)
        case Converted():
            return "converted", {"booking_id": entry.booking_id}
        case OfferExpired(offer) | Declined(offer):
            return _ended(offer)
        case _:
            assert_never(happening)


def _ended(offer: Offer) -> tuple[str, dict[str, Any]]:
    told = {"offer_id": offer.id}
    if offer.state is OfferState.DECLINED:
        return "declined", told
    end = OfferEnd.EXPIRED if offer.state is OfferState.EXPIRED else OfferEnd.TAKEN
    return "offer_expired", {**told, "reason": end}


def _offered(notified: Notified, entry: Entry) -> NotifiedChange:
    offer = notified.offer
    times = {"start_time": offer.start_time, "end_time": offer.end_time}
    slot = instance = None
    if entry.event_instance_id is None:
        slot = OfferedSlot(**times, table_ids=offer.table_ids)
    else:
        instance = OfferedInstance(**times, id=entry.event_instance_id, title=offer.title or "", spots=offer.party_size)
    return NotifiedChange(
        offer_id=offer.id,
        expires_at=offer.expires_at,
        slot=slot,
        instance=instance,
        claim_url=notified.claim_url,
        attempt=offer.attempt,
    )


def _changes(before: Entry, after: Entry) -> dict[str, dict[str, Any]]:
    was, now = (snapshot(entry).model_dump(mode="json") for entry in (before, after))
    return {
        name: {"from": was[name], "to": now[name]} for name in now if name not in _UNTOLD and was[name] != now[name]
    }
