"""A chain in our words, what differs from the last time, and what is left out."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from calcom_sync.domain.chains import UIDS, Chain
from calcom_sync.domain.changes import changed, fingerprint
from calcom_sync.domain.counting import Outcome
from calcom_sync.domain.integration import Placement, Terms
from calcom_sync.domain.places import location_type_of, zone_of
from calcom_sync.domain.row import PEOPLE, Row
from calcom_sync.domain.snapshots import SNAPSHOT_BYTES, Observed, Skipped, View, observe
from calcom_sync.domain.status import GRACE
from calcom_sync.domain.window import Window
from slotwire_contracts import CalcomBooking, CalcomEventType, CalcomHost, CalcomStatus
from support.calcom.life import BEGINNING
from support.calcom_rows import HALF_AN_HOUR, HOST, SOON, attendee, chain, row, view

LATER = BEGINNING + timedelta(hours=1)


def observed(of: Chain, before: CalcomBooking | None = None, circumstances: View | None = None) -> Observed:
    """What is told of a chain, which must be something."""
    seen = observe(of, before, circumstances or view())
    assert isinstance(seen, Observed), seen
    return seen


def skipped(of: Chain, before: CalcomBooking | None = None, circumstances: View | None = None) -> Skipped:
    """Why nothing is told of a chain."""
    seen = observe(of, before, circumstances or view())
    assert isinstance(seen, Skipped), seen
    return seen


def moved(**given: Any) -> tuple[Row, Row]:
    """A booking, and the one that took its place."""
    return (
        row("A", status="cancelled", rescheduled_to="B", updated_at=LATER),
        row("B", SOON + timedelta(days=1), rescheduled_from="A", created_at=LATER, updated_at=LATER, **given),
    )


def test_a_booking_in_our_words() -> None:
    told = row(
        location="https://meet.example/1",
        description="About it",
        attendees=(attendee(), attendee("Ben", absent=True)),
        metadata={"slotwire_booking_id": "bkg_1", "colour": "red"},
        updated_at=None,
    )
    snapshot = observed(chain(told)).snapshot
    assert (snapshot.chain_id, snapshot.uid, snapshot.uids, snapshot.party_size) == ("A", "A", ("A",), 2)
    assert (snapshot.start_time, snapshot.end_time) == (SOON, SOON + HALF_AN_HOUR)
    assert (snapshot.schedule_id, snapshot.event_type_id, snapshot.times_editable) == ("sch_1", "evt_1", False)
    assert snapshot.calcom_event_type == CalcomEventType(id=50, slug="consultation")
    assert (snapshot.host, snapshot.timezone) == (CalcomHost(name=HOST.name, email=HOST.email), "Europe/Berlin")
    assert [(one.email, one.absent) for one in snapshot.attendees] == [
        ("ada@guest.example", False),
        ("ben@guest.example", True),
    ]
    assert (snapshot.location_type, snapshot.description, snapshot.updated_at) == ("video", "About it", None)
    assert snapshot.metadata == {"colour": "red"}


def test_the_same_once_more_is_no_news() -> None:
    before = observed(chain(row())).snapshot
    assert skipped(chain(row()), before).reason is Outcome.UNCHANGED
    assert skipped(chain(row(updated_at=LATER)), before).reason is Outcome.UNCHANGED
    echo = row(metadata={"slotwire_booking_id": "bkg_1"}, updated_at=LATER)
    assert skipped(chain(echo), before).reason is Outcome.UNCHANGED


def test_who_comes_keeps_the_order_in_which_they_are_known() -> None:
    ada, ben, cy = attendee("Ada"), attendee("Ben"), attendee("Cy")
    before = observed(chain(row(attendees=(ada, ben)))).snapshot
    assert skipped(chain(row(attendees=(ben, ada))), before).reason is Outcome.UNCHANGED
    seen = observed(chain(row(attendees=(cy, attendee("Ben", absent=True), ada), updated_at=LATER)), before)
    assert [one.name for one in seen.snapshot.attendees] == ["Ada", "Ben", "Cy"]
    assert seen.changed == ("attendees", "party_size")


def test_of_two_with_one_email_each_keeps_their_place() -> None:
    came, missed = attendee(), attendee(absent=True)
    before = observed(chain(row(attendees=(came, missed)))).snapshot
    assert skipped(chain(row(attendees=(missed, came))), before).reason is Outcome.UNCHANGED
    seats = [attendee(seat_uid="s1"), attendee(seat_uid="s2")]
    before = observed(chain(row(attendees=tuple(seats)))).snapshot
    marked = attendee(absent=True, seat_uid="s2")
    seen = observed(chain(row(attendees=(marked, seats[0]))), before)
    assert seen.snapshot.attendees == (seats[0], marked)


def test_what_is_told_as_written_in_the_future_makes_nothing_else_old() -> None:
    before = observed(chain(row(updated_at=BEGINNING + timedelta(days=365)))).snapshot
    seen = observed(chain(row(title="Another talk", updated_at=BEGINNING)), before)
    assert seen.changed == ("title",)
    near = observed(chain(row(updated_at=BEGINNING + timedelta(minutes=1)))).snapshot
    assert skipped(chain(row(title="Another talk", updated_at=BEGINNING)), near).reason is Outcome.STALE


def test_what_differs_is_named_and_only_that() -> None:
    before = observed(chain(row())).snapshot
    seen = observed(chain(row(title="Another talk", location="Main street 1", updated_at=LATER)), before)
    assert (seen.changed, seen.is_doubtful) == (("title", "location", "location_type"), False)
    assert fingerprint(seen.snapshot) != fingerprint(before)
    assert observed(chain(row())).changed == ()
    later = before.model_copy(update={"updated_at": LATER})
    assert (changed(before, later), fingerprint(later)) == ((), fingerprint(before))


def test_a_reschedule_is_one_booking() -> None:
    before = observed(chain(row("A"))).snapshot
    seen = observed(chain(*moved(cancellation_reason="Train late")), before)
    snapshot = seen.snapshot
    assert (snapshot.chain_id, snapshot.uid, snapshot.uids) == ("A", "B", ("A", "B"))
    assert (snapshot.status, snapshot.status_reason) == (CalcomStatus.CONFIRMED, None)
    assert (snapshot.rescheduled_reason, snapshot.created_at) == ("Train late", BEGINNING)
    assert seen.changed == ("uid", "uids", "start_time", "end_time", "rescheduled_reason")
    unread = Chain("A", ("A", "B"), moved()[:1])
    assert skipped(unread, snapshot).reason is Outcome.SUPERSEDED


def test_what_one_row_does_not_say_an_earlier_one_does() -> None:
    silent: dict[str, Any] = {"event_type": None, "hosts": (), "timezone": None}
    whole = observed(chain(*moved())).snapshot
    assert observed(chain(*moved(**silent))).snapshot == whole
    before = observed(chain(row("A"))).snapshot
    assert observed(Chain("A", ("A", "B"), moved(**silent)[1:]), before).snapshot == whole
    alone = observed(chain(row(**silent))).snapshot
    assert (alone.host, alone.calcom_event_type, alone.timezone) == (None, None, None)
    assert (alone.schedule_id, alone.event_type_id) == ("sch_default", None)


def test_what_is_gone_is_cancelled() -> None:
    before = observed(chain(row("A"))).snapshot
    seen = observed(Chain("A", ("A",), (), is_gone=True), before)
    assert (seen.snapshot.status, seen.snapshot.status_reason) == (CalcomStatus.CANCELLED, "deleted")
    assert (seen.changed, seen.is_doubtful) == (("status", "status_reason"), False)
    assert skipped(Chain("A", ("A",), (), is_gone=True), seen.snapshot).reason is Outcome.UNCHANGED
    unseen = observed(Chain("A", ("A", "B"), moved()[:1], is_gone=True)).snapshot
    assert (unseen.status, unseen.status_reason, unseen.uid) == (CalcomStatus.CANCELLED, "rescheduled", "B")
    assert skipped(Chain("A", ("A", "B"), (), is_gone=True)).reason is Outcome.SUPERSEDED


def test_what_is_older_than_what_is_known_is_stale() -> None:
    before = observed(chain(row(status="cancelled", updated_at=LATER))).snapshot
    assert skipped(chain(row()), before, view(LATER)).reason is Outcome.STALE
    assert observed(chain(row(updated_at=None)), before).snapshot.status is CalcomStatus.CONFIRMED


def test_what_differs_although_nothing_touched_it_is_doubtful() -> None:
    before = observed(chain(row())).snapshot
    absent = row(attendees=(attendee(absent=True),))
    assert observed(chain(absent), before).is_doubtful
    over = view(SOON + HALF_AN_HOUR + GRACE)
    assert observed(chain(row()), before, over).changed == ("status",)
    assert not observed(chain(row()), before, over).is_doubtful
    assert observed(chain(absent), before, over).is_doubtful
    elsewhere = view(terms=Terms(default_schedule_id="sch_2", times_editable=True))
    assert not observed(chain(row()), before, elsewhere).is_doubtful


def test_a_changed_setting_reaches_old_bookings() -> None:
    before = observed(chain(row())).snapshot
    by_slug = Terms(schedules=(Placement("sch_2", calcom_event_type_slug="consultation"),))
    seen = observed(chain(row()), before, view(terms=by_slug))
    assert (seen.snapshot.schedule_id, seen.changed) == ("sch_2", ("schedule_id", "event_type_id"))
    assert skipped(chain(row()), before, view(terms=Terms())).reason is Outcome.UNCHANGED
    assert skipped(chain(row()), None, view(terms=Terms())).reason is Outcome.UNMAPPED_EVENT_TYPE


def test_what_is_not_meant_is_left_out_unless_it_is_known() -> None:
    guest = view(owner="ada@guest.example")
    assert skipped(chain(row()), None, guest).reason is Outcome.ATTENDEE_ONLY
    assert observed(chain(row()), None, view(owner=HOST.email))
    assert observed(chain(row()), None, view(owner="boss@host.example"))
    elsewhen = view(window=Window(end=SOON))
    assert skipped(chain(row()), None, elsewhen).reason is Outcome.OUT_OF_RANGE
    before = observed(chain(row("A"))).snapshot
    assert observed(chain(*moved()), before, elsewhen)


@pytest.mark.parametrize(
    "given",
    [
        {"status": "on_hold"},
        {"end": SOON},
        {"metadata": {"deep": json.loads("[" * 70 + "]" * 70)}},
        {"attendees": (attendee(),) * (PEOPLE + 1)},
    ],
)
def test_what_cannot_be_is_invalid(given: dict[str, Any]) -> None:
    assert skipped(chain(row(**given))).reason is Outcome.INVALID


def test_nothing_is_moved_without_end() -> None:
    def moved_often(times: int) -> Chain:
        return chain(*(row(f"u{number}") for number in range(times + 1)))

    assert observed(moved_often(UIDS - 1))
    assert skipped(moved_often(UIDS)).reason is Outcome.INVALID
    before = observed(moved_often(UIDS - 1)).snapshot
    assert skipped(replace(moved_often(UIDS), is_gone=True), before).reason is Outcome.INVALID


@pytest.mark.parametrize(("was", "becomes"), [(0, False), (1, True), (1, 1.0), ([1], [True])])
def test_what_json_tells_apart_is_a_difference(was: object, becomes: object) -> None:
    before = observed(chain(row(metadata={"paid": was}))).snapshot
    after = observed(chain(row(metadata={"paid": becomes})), before)
    assert after.changed == ("metadata",)
    assert fingerprint(after.snapshot) != fingerprint(before)


def test_a_window_has_what_takes_some_of_its_time() -> None:
    window = Window(SOON, SOON + HALF_AN_HOUR)
    assert window.has(SOON - HALF_AN_HOUR, SOON + timedelta(seconds=1))
    assert not window.has(SOON - HALF_AN_HOUR, SOON)
    assert not window.has(SOON + HALF_AN_HOUR, SOON + 2 * HALF_AN_HOUR)
    assert Window().has(SOON, SOON)
    assert window.widened() == Window(SOON - timedelta(days=1), SOON + HALF_AN_HOUR + timedelta(days=1))
    assert Window().widened() == Window()


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (None, None),
        ("", None),
        ("integrations:daily", "video"),
        ("https://meet.example/1", "video"),
        ("+49 170 1234567", "phone"),
        ("userPhone", "phone"),
        ("attendeeInPerson", "in_person"),
        ("Main street 1", "in_person"),
        ("somewhereElse", "custom"),
    ],
)
def test_places(location: str | None, expected: str | None) -> None:
    assert location_type_of(location) == expected


def test_zones() -> None:
    assert [zone_of(name) for name in ("Europe/Berlin", "unknown", None)] == ["Europe/Berlin", None, None]


@pytest.mark.parametrize(("character", "bytes_of_it"), [("t", 1), ("é", 2), ("\x01", 6)])
def test_what_no_record_takes_is_invalid(character: str, bytes_of_it: int) -> None:
    """One byte decides; what counts is how JSON writes it."""

    def described(times: int, rest: int = 0) -> Chain:
        return chain(row(description=character * times + "t" * rest))

    free = SNAPSHOT_BYTES - len(observed(described(1)).snapshot.model_dump_json().encode()) + bytes_of_it
    times, rest = divmod(free, bytes_of_it)
    largest = observed(described(times, rest)).snapshot
    assert len(largest.model_dump_json().encode()) == SNAPSHOT_BYTES
    for before in (None, observed(described(1)).snapshot):
        assert skipped(described(times, rest + 1), before).reason is Outcome.INVALID
