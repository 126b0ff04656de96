"""What may change about an entry, and how it leaves."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from support.waitlist_values import BERLIN, FULL, JO, NOW, STAFF, TOLD, YOGA, a_request, an_event_request, drafted
from waitlist.domain.changing import Change, remove, revise
from waitlist.domain.entry import Contact, Entry
from waitlist.domain.errors import InvalidTransitionError, ValidationFailedError, VersionConflictError
from waitlist.domain.happening import numbered
from waitlist.domain.joining import Told
from waitlist.domain.status import LIVE, Status

ENTRY = drafted(a_request(preferred_start=time(19), preferred_end=time(21)))
OF_AN_EVENT = drafted(an_event_request(), FULL)


def revised(entry: Entry = ENTRY, told: Told = TOLD, *, version: int | None = None, **given: Any) -> Entry:
    """Change an entry, or be refused."""
    return revise(entry, Change(given, version), told, STAFF, now=NOW)


def flaws(entry: Entry = ENTRY, told: Told = TOLD, **given: Any) -> list[tuple[str, str]]:
    """The fields and rules of a change that must be refused."""
    with pytest.raises(ValidationFailedError) as refused:
        revised(entry, told, **given)
    return [(flaw.param, flaw.rule) for flaw in refused.value.flaws]


def test_a_change_keeps_queue_and_turn_but_for_a_priority() -> None:
    after = revised(party_size=9, notes="Hi", contact=JO)
    assert (after.party_size, after.notes, after.contact) == (9, "Hi", JO)
    assert (after.queue, after.turn) == (ENTRY.queue, ENTRY.turn)
    assert revised(priority=1).turn < ENTRY.turn
    assert revised() == ENTRY


def test_notes_are_of_who_wrote_them_last() -> None:
    guest = replace(STAFF, name="client")
    theirs = revise(ENTRY, Change({"notes": "Window, please"}), TOLD, guest, now=NOW)
    assert theirs.notes_by == "client"
    assert revised(theirs, notes="Window, please").notes_by == "client"
    assert revised(theirs, notes="Window, please; rude").notes_by == "staff"
    assert revised(theirs, notes=None).notes_by is None
    assert drafted(a_request(notes="VIP")).notes_by == "staff"
    assert drafted(a_request()).notes_by is None


def test_another_time_makes_another_window_with_the_one_that_stays() -> None:
    after = revised(preferred_start=time(21))
    assert (after.preferred_start, after.preferred_end) == ("21:00", "21:00")
    assert after.window_end == datetime(2026, 12, 25, 20, tzinfo=UTC)
    assert revised(preferred_end=None).window_end is None
    earlier = datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert flaws(preferred_end=earlier) == [("preferredEndTime", "after_start")]
    assert flaws(told=Told(), preferred_end=time(22)) == [("preferredEndTime", "gone")]
    assert revised(told=Told(), party_size=2).party_size == 2


def test_an_entry_of_an_event_has_no_times() -> None:
    assert flaws(OF_AN_EVENT, FULL, preferred_start=time(9)) == [("preferredStartTime", "conflict")]
    assert revised(OF_AN_EVENT, FULL, preferred_start=None) == OF_AN_EVENT
    assert flaws(OF_AN_EVENT, FULL, party_size=YOGA.max_attendance + 1) == [("partySize", "max_attendance")]
    assert revised(OF_AN_EVENT, Told(), party_size=99).party_size == 99


def test_who_is_no_client_stays_reachable() -> None:
    guest = drafted(a_request(client_id=None, contact=JO), Told(location=BERLIN))
    for contact in (None, Contact(name="Jo")):
        assert flaws(guest, contact=contact) == [("contact", "missing")]
        assert revised(contact=contact).contact == contact
    assert revised(guest, contact=Contact(phone="+49 30 1")).contact == Contact(phone="+49 30 1")


def test_what_was_offered_stays() -> None:
    notified = replace(ENTRY, status=Status.NOTIFIED)
    for name, param in {"party_size": "partySize", "preferred_end": "preferredEndTime"}.items():
        with pytest.raises(InvalidTransitionError) as refused:
            revise(notified, Change({name: None}), TOLD, STAFF, now=NOW)
        assert (refused.value.param, refused.value.details) == (param, {"status": "notified"})
    assert revised(notified, notes="Hi").notes == "Hi"


@pytest.mark.parametrize("status", sorted(set(Status) - LIVE))
def test_what_waits_no_more_changes_no_more(status: Status) -> None:
    gone = replace(ENTRY, status=status)
    with pytest.raises(InvalidTransitionError):
        revised(gone, notes="Hi")
    if status is Status.REMOVED:
        assert remove(gone, None) is gone
    else:
        with pytest.raises(InvalidTransitionError):
            remove(gone, None)


@pytest.mark.parametrize("status", sorted(LIVE))
def test_whoever_waits_may_leave(status: Status) -> None:
    assert remove(replace(ENTRY, status=status), ENTRY.version).status is Status.REMOVED


def test_who_saw_another_version_changes_nothing() -> None:
    seen = replace(ENTRY, version=3)
    assert revised(seen, version=3, notes="Hi").notes == "Hi"
    with pytest.raises(VersionConflictError) as refused:
        revised(seen, version=2, notes="Hi")
    assert refused.value.details == {"version": 3}
    with pytest.raises(VersionConflictError):
        remove(seen, 2)


def test_events_are_numbered_and_never_before_the_one_ahead() -> None:
    asked: list[tuple[str | None, datetime]] = []

    def next_id(previous: str | None, at: datetime) -> str:
        asked.append((previous, at))
        return f"evt_{len(asked)}"

    first = numbered(ENTRY, now=NOW, next_id=next_id)
    second = numbered(first, now=NOW.replace(year=2020), next_id=next_id)
    assert [(one.sequence, one.version, one.last_event_id) for one in (first, second)] == [
        (1, 1, "evt_1"),
        (2, 2, "evt_2"),
    ]
    assert asked == [(None, NOW), ("evt_1", NOW)]
    assert second.updated_at == NOW
