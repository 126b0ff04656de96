"""What is told of entries, and that it is told in the catalog's words."""

from dataclasses import replace

import pytest

from chassis.origin import Origin
from slotwire_contracts import (
    RemovalReason,
    WaitlistEntryJoined,
    WaitlistEntryRemoved,
    WaitlistEntryUpdated,
    decode,
)
from support.waitlist_values import JO, NOW, STAFF, a_request, drafted
from waitlist.domain.entry import Contact, Entry
from waitlist.domain.happening import Happening, Joined, Removed, Updated, numbered
from waitlist.service.events import event_of, message_of
from waitlist.service.snapshots import snapshot

ORIGIN = Origin("req_1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
ENTRY = numbered(drafted(a_request(contact=JO)), now=NOW, next_id=lambda *_: "evt_1")


def told(happening: Happening, entry: Entry = ENTRY) -> object:
    """What the topic gets, read back."""
    message = message_of(event_of(happening, entry, STAFF, ORIGIN))
    assert (message.topic, message.key, message.event_id) == ("waitlist.events", b"wle_1", entry.last_event_id)
    return decode(message.value)


def test_joining_tells_the_whole_entry_and_the_request_behind_it() -> None:
    event = told(Joined())
    assert isinstance(event, WaitlistEntryJoined)
    assert event.data.resource == snapshot(ENTRY)
    assert (event.id, event.sequence, event.time) == ("evt_1", 1, NOW)
    assert (event.orgid, event.actor, event.correlationid) == ("org_1", "staff", "req_1")
    assert event.traceparent == ORIGIN.traceparent


def test_an_update_tells_each_field_as_snapshots_show_it() -> None:
    after = replace(ENTRY, party_size=2, contact=Contact(phone="+49 30 1"), preferred_start="19:00", window_start=NOW)
    event = told(Updated(ENTRY), numbered(after, now=NOW, next_id=lambda *_: "evt_2"))
    assert isinstance(event, WaitlistEntryUpdated)
    assert event.data.change.model_dump(mode="json")["changes"] == {
        "partySize": {"from": 1, "to": 2},
        "preferredStartTime": {"from": None, "to": "19:00"},
        "contact": {
            "from": {"name": "Jo", "email": "jo@example.com", "phone": None},
            "to": {"name": None, "email": None, "phone": "+49 30 1"},
        },
        "windowStart": {"from": None, "to": "2026-11-21T12:00:00Z"},
    }


def test_a_removal_tells_its_reason() -> None:
    event = told(Removed(RemovalReason.EXPIRED))
    assert isinstance(event, WaitlistEntryRemoved)
    assert event.data.change.reason == "expired"


def test_an_entry_without_a_number_has_no_event() -> None:
    with pytest.raises(AssertionError, match="numbered"):
        event_of(Joined(), drafted(a_request()), STAFF, ORIGIN)
