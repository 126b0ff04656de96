"""What happened, in the words of the public catalog (events.md section 2).

Invariant: an event tells of the entry as it is stored with it, and carries the number, id and time stored there.
"""

from typing import Any, assert_never

from chassis.outbox import OutboxMessage
from slotwire_contracts import WAITLIST_EVENTS, WaitlistEntryEvent, encode, make_event, record_key
from waitlist.domain.actors import Actor
from waitlist.domain.entry import Entry
from waitlist.domain.happening import Happening, Joined, Removed, Updated
from waitlist.service.origin import Origin
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


def _catalog(happening: Happening, entry: Entry) -> tuple[str, dict[str, Any]]:
    """Answer the last word of the event's type and its `change`."""
    match happening:
        case Joined():
            return "joined", {}
        case Updated(before):
            return "updated", {"changes": _changes(before, entry)}
        case Removed(reason):
            return "removed", {"reason": reason}
        case _:
            assert_never(happening)


def _changes(before: Entry, after: Entry) -> dict[str, dict[str, Any]]:
    was, now = (snapshot(entry).model_dump(mode="json") for entry in (before, after))
    return {
        name: {"from": was[name], "to": now[name]} for name in now if name not in _UNTOLD and was[name] != now[name]
    }
