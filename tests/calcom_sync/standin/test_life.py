"""What the driver does to bookings, against what is known of Cal.com (scheduling.md sections 1 and 2)."""

from datetime import timedelta

from support.calcom import Attendee, Kind, Life, fates
from support.calcom.life import BEGINNING

SOON, LATER = BEGINNING + timedelta(days=1), BEGINNING + timedelta(days=2)
SEATS = Kind(id=60, slug="class", seats=True)
ADA, BEN = Attendee(), Attendee("Ben", "ben@guest.example")


def test_a_reschedule_is_a_new_row() -> None:
    life = Life()
    old = life.create(SOON, title="A talk")
    life.mark_absent(old)
    life.advance(hours=1)
    new = life.reschedule(old, LATER, reason="Train late")
    before, after = life.last_row(old), life.last_row(new)
    assert (before.status, before.to_uid, before.cancellation_reason) == ("cancelled", new, "")
    assert before.updated_at == after.updated_at == after.created_at == life.now
    assert (after.status, after.from_uid, after.cancellation_reason) == ("accepted", old, "Train late")
    assert (after.title, after.start, after.attendees) == ("A talk", LATER, (ADA,))
    assert [chain.uids for chain in life.chains()] == [(old, new)]
    assert life.untold[-1].trigger == "BOOKING_RESCHEDULED"
    assert life.untold[-1].more["rescheduleUid"] == old


def test_a_series_is_not_linked_forward() -> None:
    life = Life()
    first, second = life.create_series([SOON, LATER])
    new = life.reschedule(first, LATER + timedelta(hours=1))
    assert (life.last_row(first).to_uid, life.last_row(new).from_uid) == (None, first)
    assert life.last_row(new).recurring_uid == life.last_row(second).recurring_uid


def test_a_host_may_ask_for_another_time() -> None:
    life = Life()
    old = life.create(SOON)
    life.request_reschedule(old, "Ill")
    assert (life.last_row(old).status, life.last_row(old).to_uid) == ("cancelled", None)
    assert life.untold[-1].more["requestReschedule"] is True
    new = life.reschedule(old, LATER, status="pending")
    assert life.untold[-1].trigger == "BOOKING_REQUESTED"
    assert life.last_row(old).to_uid == new


def test_what_an_attendee_alone_meets_does_not_move_the_update() -> None:
    life = Life()
    uid = life.create(SOON, ADA, BEN)
    life.advance(hours=1)
    life.mark_absent(uid, BEN.email)
    assert [attendee.absent for attendee in life.last_row(uid).attendees] == [False, True]
    assert life.last_row(uid).updated_at == BEGINNING
    life.mark_absent(uid, absent=False)
    assert not any(attendee.absent for attendee in life.last_row(uid).attendees)
    assert life.last_row(uid).updated_at == BEGINNING
    told = len(life.untold)
    life.mark_host_absent(uid)
    assert life.last_row(uid).updated_at == life.now
    assert len(life.untold) == told


def test_answers_to_a_request() -> None:
    life = Life()
    yes, no = life.create(SOON, status="pending"), life.create(SOON, status="pending")
    life.confirm(yes)
    life.reject(no, "Full")
    assert [life.last_row(uid).status for uid in (yes, no)] == ["accepted", "rejected"]
    assert [each.trigger for each in life.untold] == [
        "BOOKING_REQUESTED",
        "BOOKING_REQUESTED",
        "BOOKING_CREATED",
        "BOOKING_REJECTED",
    ]


def test_seats() -> None:
    life = Life()
    uid = life.create(SOON, ADA, kind=SEATS)
    first = life.last_row(uid).attendees[0].seat_uid
    assert first is not None
    second = life.add_seat(uid, BEN)
    life.advance(hours=1)
    life.remove_seat(uid, first)
    assert (life.last_row(uid).status, life.last_row(uid).updated_at) == ("accepted", BEGINNING)
    life.remove_seat(uid, second)
    assert (life.last_row(uid).status, life.last_row(uid).updated_at) == ("cancelled", life.now)
    life.add_seat(uid, ADA)
    assert life.last_row(uid).status == "accepted"


def test_a_seat_moves_alone() -> None:
    life = Life()
    uid = life.create(SOON, ADA, BEN, kind=SEATS)
    ada, ben = (attendee.seat_uid or "" for attendee in life.last_row(uid).attendees)
    moved = life.move_seat(uid, ben, LATER)
    assert [each.email for each in life.last_row(uid).attendees] == [ADA.email]
    assert (life.last_row(uid).status, life.last_row(uid).to_uid) == ("accepted", None)
    assert (life.last_row(moved).from_uid, life.last_row(moved).attendees[0].seat_uid) == (uid, ben)
    assert life.move_seat(uid, ada, LATER) == moved
    assert (life.last_row(uid).status, life.last_row(uid).to_uid) == ("cancelled", moved)
    assert len(life.last_row(moved).attendees) == 2
    assert [chain.uids for chain in life.chains()] == [(uid,), (moved,)]
    life.move_all_seats(moved, SOON)
    assert life.last_row(moved).start == SOON


def test_the_past_can_be_read_and_fates_are_told() -> None:
    life = Life()
    uid = life.create(SOON)
    life.advance(hours=1)
    new = life.reschedule(uid, LATER)
    life.advance(hours=1)
    life.delete(new)
    assert [row.uid for row in life.rows()] == [uid]
    assert [row.status for row in life.rows(BEGINNING)] == ["accepted"]
    fate = fates(life)[uid]
    assert (fate.chain.uids, fate.booking.uid, fate.is_deleted) == ((uid, new), new, True)
