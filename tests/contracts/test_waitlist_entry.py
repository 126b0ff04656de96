"""Waitlist entries and what is told of them (events.md sections 2 and 4, seed 000)."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from slotwire_contracts import (
    CATALOG,
    OfferEnd,
    RemovalReason,
    WaitlistEntry,
    WaitlistEntryNotified,
    WaitlistEntryUpdated,
    WaitlistInitiator,
    WaitlistStatus,
    decode,
    encode,
    record_key,
)
from support.catalog_events import CHANGES, a_catalog_event, a_resource

KINDS = sorted(kind for kind in CATALOG if kind.startswith("waitlist_entry."))
SPOTS = {
    "id": "inst_1",
    "title": "Yoga",
    "startTime": "2024-02-15T08:00:00Z",
    "endTime": "2024-02-15T09:00:00Z",
    "spots": 2,
}


def written(kind: str, **change: Any) -> dict[str, Any]:
    """What the topic gets of a change."""
    data: dict[str, Any] = json.loads(encode(a_catalog_event(kind, change=change or CHANGES[kind])))["data"]
    return dict(data["change"])


def test_an_entrys_status_is_one_of_the_seeds_family() -> None:
    assert list(WaitlistStatus) == ["waiting", "notified", "converted", "expired", "removed"]
    assert list(WaitlistInitiator) == ["client", "staff", "system"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_keyed_by_its_entry_and_reads_back_as_it_was_written(kind: str) -> None:
    event = a_catalog_event(kind)
    assert record_key(event) == b"wle_abc123"
    assert decode(encode(event)) == event
    assert written(kind) == CHANGES[kind]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"partySize": 0},
        {"status": "WAITING"},
        {"requestedDate": "tomorrow"},
        {"priority": None},
        {"version": 0},
        {"joinedAt": "2024-01-01T00:00:00"},
        {"initiator": "calcom"},
        {"contact": {"name": "Jane"}},
    ],
)
def test_what_no_entry_says_is_refused(spoilt: dict[str, Any]) -> None:
    (name,) = spoilt
    with pytest.raises(ValidationError, match=name):
        a_resource("waitlist_entry", **spoilt)


def test_an_entry_is_made_by_its_fields_own_names_and_written_under_the_seeds() -> None:
    entry = a_resource("waitlist_entry")
    assert isinstance(entry, WaitlistEntry)
    told = {name: getattr(entry, name) for name in WaitlistEntry.model_fields}
    assert WaitlistEntry(**told) == entry
    keys = list(json.loads(entry.model_dump_json()))
    assert keys[1:7] == ["locationId", "userId", "requestedDate", "partySize", "preferredStartTime", "preferredEndTime"]
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", key) for key in keys)


def test_a_notification_tells_of_a_slot_or_of_an_instance() -> None:
    """events.md section 2: "`waitlist_entry.notified` | `offerId`, `expiresAt`, slot or instance, `claimUrl`,
    `attempt`"
    """
    change = {name: value for name, value in CHANGES["waitlist_entry.notified"].items() if name != "slot"}
    assert written("waitlist_entry.notified", **change, instance=SPOTS) == {**change, "instance": SPOTS}
    event = decode(encode(a_catalog_event("waitlist_entry.notified")))
    assert isinstance(event, WaitlistEntryNotified)
    assert event.data.change.slot is not None
    assert event.data.change.slot.table_ids == ("tbl_1",)
    assert event.data.change.instance is None
    for name in change:
        with pytest.raises(ValidationError, match=name):
            written("waitlist_entry.notified", **{key: value for key, value in change.items() if key != name})


def test_a_removal_tells_why() -> None:
    """events.md section 2: "`reason`: guest, staff, expired, declined, event_cancelled"."""
    assert list(RemovalReason) == ["guest", "staff", "expired", "declined", "event_cancelled"]
    with pytest.raises(ValidationError, match="reason"):
        a_catalog_event("waitlist_entry.removed", change={"reason": "tired"})


def test_an_offer_that_ended_unanswered_tells_why_where_it_is_known() -> None:
    assert list(OfferEnd) == ["expired", "taken"]
    for change in ({"offerId": "wlo_1"}, {"offerId": "wlo_1", "reason": "taken"}):
        assert written("waitlist_entry.offer_expired", **change) == change
    with pytest.raises(ValidationError, match="reason"):
        a_catalog_event("waitlist_entry.offer_expired", change={"offerId": "wlo_1", "reason": "tired"})


def test_an_update_tells_from_and_to_of_each_field() -> None:
    event = a_catalog_event("waitlist_entry.updated")
    assert isinstance(event, WaitlistEntryUpdated)
    change = event.data.change.changes["partySize"]
    assert (change.from_, change.to) == (2, 4)
