"""What is found in Cal.com stands here as it stands there, and every difference is told (architecture.md section 8)."""

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.change import Change
from booking.domain.checks import EXTERNAL_METADATA_BYTES
from booking.domain.creation import Attendee
from booking.domain.errors import ExternalReadOnlyError, SlotUnavailableError
from booking.domain.external import provided_metadata
from booking.domain.listing import FeedPage
from booking.domain.reference import EVENT_TYPES, SCHEDULES, EventType
from booking.domain.search import Search
from booking.domain.status import Status
from booking.service.availability import Availability
from booking.service.claiming import Claims
from chassis import outbox
from chassis.ids import Ids, new_id, next_id
from chassis.unit import UnitOfWork
from slotwire_contracts import BOOKING_EVENTS, CalcomBooking, CalcomResult, KnownEvent, ReservationStatus
from support.booking_desk import ORIGIN, Desk
from support.booking_values import END, START, a_request
from support.calcom_bookings import (
    ADA,
    CONFLICT,
    CREATED,
    INVALID,
    STALE,
    UNCHANGED,
    UPDATED,
    Watcher,
    a_snapshot,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def calcom(desk: Desk) -> Watcher:
    return Watcher(desk)


def a_chain() -> str:
    return f"cal_{secrets.token_hex(6)}"


async def told(desk: Desk, result: CalcomResult) -> list[Any]:
    """The events of a booking; its feed tells the same."""
    assert result.booking_id is not None
    events: list[Any] = [event for event in await desk.told(result.booking_id) if isinstance(event, KnownEvent)]
    feed = await desk.bookings.feed(desk.actor, result.booking_id, FeedPage(limit=100))
    assert [(entry.event_id, entry.type, entry.data) for entry in feed.entries] == [
        (event.id, event.type, event.data.change.model_dump(mode="json")) for event in events
    ]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return events


async def somebody_books(desk: Desk, schedule_id: str, **fields: Any) -> str:
    name = secrets.token_hex(4)
    new = a_request(schedule_id=schedule_id, attendee=Attendee(name, f"{name}@example.com"), **fields)
    return (await desk.bookings.create(desk.actor, new, ORIGIN, None)).id


async def to(desk: Desk, booking_id: str, **change: Any) -> None:
    await desk.bookings.change(desk.actor, booking_id, Change(**change), ORIGIN)


async def test_a_booking_of_calcom_becomes_one_here(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    result = await calcom.see(a_snapshot(chain, schedule_id))
    assert (result.outcome, result.conflict, result.observed_sequence, result.problem) == (CREATED, False, 1, None)
    booking = await calcom.booking(result)
    assert (booking.status, booking.start_time, booking.end_time) == (Status.CONFIRMED, START, END)
    assert (booking.attendee_name, booking.attendee_email, booking.attendee_notes) == (
        "Ada",
        "ada@example.com",
        "First visit",
    )
    assert booking.metadata["campaign"] == "spring"
    assert booking.metadata["calcom"] == {
        "calcom_event_type": {"id": 42, "slug": "consultation"},
        "host": {"name": "Grace", "email": "grace@example.com"},
        "attendees": [ADA],
        "recurring_booking_uid": None,
        "absent_host": False,
        "rescheduled_reason": None,
    }
    (created,) = await told(desk, result)
    assert (created.type, created.actor) == ("reservation.created", "calcom")
    assert created.data.change.model_dump() == {"source": "calcom", "party_size": 1}
    assert created.data.resource.external.model_dump() == {"provider": "calcom", "uid": chain, "conflict": False}
    (answer,) = await calcom.answers(chain)
    assert (answer.sequence, answer.subject, answer.data.change.run_id) == (1, chain, "run_1")
    assert created.causationid == answer.causationid
    assert await calcom.holds_time(result.booking_id)


async def test_a_reschedule_moves_the_one_booking_of_its_chain(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    first = await calcom.see(a_snapshot(chain, schedule_id))
    moved = a_snapshot(chain, schedule_id, uid=f"{chain}_2", uids=[chain, f"{chain}_2"], start_time=START + 3 * HOUR)
    result = await calcom.see(moved)
    assert (result.outcome, result.booking_id) == (UPDATED, first.booking_id)
    _, updated = await told(desk, result)
    assert set(updated.data.change.changes.model_dump(exclude_none=True)) == {"start_time", "end_time"}
    assert updated.data.resource.external.uid == f"{chain}_2"
    await somebody_books(desk, schedule_id)  # the old time is free again
    with pytest.raises(SlotUnavailableError):
        await somebody_books(desk, schedule_id, start_time=START + 3 * HOUR, end_time=END + 3 * HOUR)


async def test_another_uid_alone_is_told_by_an_update_without_changes(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    await calcom.see(a_snapshot(chain, schedule_id))
    result = await calcom.see(a_snapshot(chain, schedule_id, uid=f"{chain}_2"))
    last = (await told(desk, result))[-1]
    assert (result.outcome, last.type, last.data.change.model_dump(mode="json")) == (
        UPDATED,
        "reservation.updated",
        {"changes": {}},
    )
    assert last.data.resource.external.uid == f"{chain}_2"


WALKS = [
    ["PENDING", "CONFIRMED", "CANCELLED", "CONFIRMED"],
    ["CONFIRMED", "NO_SHOW", "COMPLETED", "NO_SHOW", "CONFIRMED"],
    ["COMPLETED", "PENDING", "NO_SHOW", "CANCELLED", "COMPLETED"],
    ["CANCELLED", "PENDING"],
    ["CONFIRMED", "COMPLETED", "CANCELLED"],
]


@pytest.mark.parametrize("walk", WALKS, ids=" ".join)
async def test_it_goes_wherever_it_went_there(desk: Desk, calcom: Watcher, walk: list[str]) -> None:
    """Reference, section 2: «Cal also moves **backwards**: un-mark no-show; adding a seat to a CANCELLED seated booking
    makes it ACCEPTED. Apply sync as a projection with its own event, outside the public transition table.»
    """
    schedule_id, chain = await desk.schedule(), a_chain()
    desk.now = END + HOUR
    for status in walk:
        result = await calcom.see(a_snapshot(chain, schedule_id, status=status, status_reason="so it is"))
        assert (await calcom.booking(result)).status == status
        assert await calcom.holds_time(result.booking_id) is (status not in {"CANCELLED", "NO_SHOW"})
    events = await told(desk, result)
    assert [event.data.resource.status for event in events] == walk
    assert [event.type for event in events[1:]] == [f"reservation.{status.lower()}" for status in walk[1:]]
    for before, event in zip(walk, events[1:], strict=False):
        assert (event.data.change.from_status, event.data.change.reason) == (before.lower(), "so it is")


@pytest.mark.parametrize("later", [HOUR / 2, 2 * HOUR])
async def test_one_that_staff_completed_early_and_that_goes_on_there_has_all_of_its_time_again(
    desk: Desk, calcom: Watcher, later: timedelta
) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    result = await calcom.see(a_snapshot(chain, schedule_id))
    desk.now = START + HOUR / 4
    await to(desk, str(result.booking_id), status=Status.COMPLETED)
    desk.now = START + later
    await calcom.see(a_snapshot(chain, schedule_id, title="It goes on"))
    with pytest.raises(SlotUnavailableError):
        await somebody_books(desk, schedule_id, start_time=START + HOUR / 2, end_time=END)


async def test_what_is_told_again_or_too_late_changes_nothing(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    first = calcom.observe(a_snapshot(chain, schedule_id, title="Old"))
    second = calcom.observe(a_snapshot(chain, schedule_id, title="New"))
    (newer,) = await calcom.apply(second)
    (older,) = await calcom.apply(first)
    desk.now += HOUR
    same = await calcom.see(a_snapshot(chain, schedule_id, title="New"))
    assert [newer.outcome, older.outcome, same.outcome] == [CREATED, STALE, UNCHANGED]
    assert {newer.booking_id, older.booking_id, same.booking_id} == {newer.booking_id}
    booking = await calcom.booking(newer)
    assert (booking.title, booking.version) == ("New", 1)
    assert len(await told(desk, newer)) == 1
    answers = await calcom.answers(chain)
    assert [(answer.sequence, answer.data.resource.observed_sequence) for answer in answers] == [(1, 2), (2, 1), (3, 3)]
    assert [answer.id for answer in answers] == sorted(answer.id for answer in answers)


async def test_two_snapshots_of_a_chain_in_one_transaction_are_applied_in_order(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    seen = [a_snapshot(chain, schedule_id, status=status) for status in ("PENDING", "CONFIRMED", "CANCELLED")]
    results = await calcom.apply(*map(calcom.observe, seen))
    assert [result.outcome for result in results] == [CREATED, UPDATED, UPDATED]
    events = await told(desk, results[0])
    assert [event.data.resource.status for event in events] == list(
        map(ReservationStatus, ("PENDING", "CONFIRMED", "CANCELLED"))
    )


async def test_the_chains_of_two_organizations_are_two(desk: Desk, calcom: Watcher) -> None:
    """The same uid of the same account of Cal.com, which both have connected."""
    other, chain = Watcher(Desk(desk.db)), a_chain()
    results = [
        await one.see(a_snapshot(chain, await one.desk.schedule(), title=title))
        for one, title in ((calcom, "A"), (other, "B"))
    ]
    assert [result.outcome for result in results] == [CREATED, CREATED]
    assert (await calcom.booking(results[0])).title == "A"
    assert (await other.booking(results[1])).title == "B"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"schedule_id": "sch_nowhere"}, "schedule_id"),
        ({"event_type_id": "evt_nothing"}, "event_type_id"),
        ({"end_time": START}, "end_time"),
        ({"end_time": START - HOUR}, "end_time"),
        ({"end_time": START + timedelta(days=32)}, "end_time"),
        ({"start_time": START.replace(year=1969), "end_time": END.replace(year=1969)}, "start_time"),
        ({"start_time": START.replace(year=2200), "end_time": END.replace(year=2200)}, "end_time"),
        ({"title": "zero \0"}, "title"),
        ({"metadata": {"deep": [{"\0": 1}]}}, "metadata"),
        ({"metadata": {"long": "x" * 200_000}}, "metadata"),
        ({"metadata": {"not": float("nan")}}, "metadata"),
    ],
)
async def test_what_can_be_no_booking_is_answered_with_the_field_that_is_wrong(
    desk: Desk, calcom: Watcher, fields: dict[str, Any], param: str
) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    result = await calcom.see(a_snapshot(chain, **{"schedule_id": schedule_id, **fields}))
    assert (result.outcome, result.booking_id) == (INVALID, None)
    assert result.problem is not None
    assert (result.problem.param, result.problem.message[:5]) == (param, "must ")
    right = await calcom.see(a_snapshot(chain, schedule_id))
    assert right.outcome is CREATED
    wrong = await calcom.see(a_snapshot(chain, **{"schedule_id": schedule_id, **fields}))
    assert (wrong.outcome, wrong.booking_id) == (INVALID, right.booking_id)
    assert len(await told(desk, right)) == 1


async def test_another_organizations_schedule_is_unknown(desk: Desk, calcom: Watcher) -> None:
    theirs = await Desk(desk.db).schedule()
    result = await calcom.see(a_snapshot(a_chain(), theirs))
    assert (result.outcome, result.problem.param if result.problem else None) == (INVALID, "schedule_id")


async def test_an_overlap_is_kept_and_claims_its_time_when_what_had_it_is_cancelled(
    desk: Desk, calcom: Watcher
) -> None:
    """Architecture, section 8: «An import that overlaps is kept and flagged (`conflict: true`), never dropped: it
    happened. It has no occupancy row, so I6 holds; availability subtracts it all the same, and it claims its time when
    that falls free.»
    """
    schedule_id, chain = await desk.schedule(), a_chain()
    there = await somebody_books(desk, schedule_id)
    result = await calcom.see(a_snapshot(chain, schedule_id))
    assert (result.outcome, result.conflict) == (CONFLICT, True)
    assert not await calcom.holds_time(result.booking_id)
    assert (await calcom.see(a_snapshot(chain, schedule_id))).outcome is UNCHANGED
    await to(desk, there, status=Status.CANCELLED)
    assert await calcom.holds_time(result.booking_id)
    created, claimed = await told(desk, result)
    assert (created.data.resource.external.conflict, claimed.data.resource.external.conflict) == (True, False)
    assert (claimed.type, claimed.actor) == ("reservation.updated", "system")
    again = await calcom.see(a_snapshot(chain, schedule_id))
    assert (again.outcome, again.conflict) == (UNCHANGED, False)


async def in_conflict(calcom: Watcher, schedule_id: str, **fields: Any) -> CalcomResult:
    result = await calcom.see(a_snapshot(a_chain(), schedule_id, **fields))
    assert result.outcome is CONFLICT
    return result


async def still_waits(calcom: Watcher, result: CalcomResult) -> bool:
    booking = await calcom.booking(result)
    assert booking.conflict is not await calcom.holds_time(booking.id)
    return booking.conflict


async def test_a_move_away_frees_its_time(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    there = await somebody_books(desk, schedule_id)
    result = await in_conflict(calcom, schedule_id)
    later = {"start_time": START + HOUR, "end_time": END + HOUR}
    await to(desk, there, details=later)
    assert not await still_waits(calcom, result)


@pytest.mark.parametrize("way", ["released", "expired"])
async def test_a_hold_that_ends_frees_its_time(desk: Desk, calcom: Watcher, way: str) -> None:
    schedule_id = await desk.schedule()
    hold = await desk.hold(schedule_id)
    result = await in_conflict(calcom, schedule_id)
    if way == "released":
        await desk.holds.release(desk.actor, hold.id, ORIGIN)
    else:
        desk.now += timedelta(minutes=11)
        await desk.holds.sweep_once()
    assert not await still_waits(calcom, result)


@pytest.mark.parametrize("status", [Status.NO_SHOW, Status.COMPLETED])
async def test_a_guest_who_is_gone_frees_the_time_that_is_left(desk: Desk, calcom: Watcher, status: Status) -> None:
    schedule_id = await desk.schedule()
    there = await somebody_books(desk, schedule_id)
    await to(desk, there, status=Status.CONFIRMED)
    result = await in_conflict(calcom, schedule_id, start_time=START + HOUR / 2)
    desk.now = START + HOUR / 4
    await to(desk, there, status=status)
    assert not await still_waits(calcom, result)


async def test_another_booking_of_calcom_that_goes_frees_its_time(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    await calcom.see(a_snapshot(chain, schedule_id))
    waiting = [await in_conflict(calcom, schedule_id) for _ in range(2)]
    await calcom.see(a_snapshot(chain, schedule_id, status="CANCELLED"))
    assert sorted([await still_waits(calcom, one) for one in waiting]) == [False, True]


async def test_a_lane_that_is_opened_is_claimed_at_the_next_look(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    await somebody_books(desk, schedule_id)
    result = await in_conflict(calcom, schedule_id)
    claims = Claims(UnitOfWork(desk.db, lambda: None), desk.clock, Ids(new_id, next_id))
    await claims.claim_due()
    assert await still_waits(calcom, result)
    await desk.data.change(desk.actor, SCHEDULES, schedule_id, {"capacity": 2}, ORIGIN)
    await claims.claim_due()
    assert not await still_waits(calcom, result)


async def test_what_falls_free_is_offered_to_those_alone_whose_time_it_is(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    times = [{"start_time": START + hours * HOUR, "end_time": END + hours * HOUR} for hours in (0, 2)]
    there = [await somebody_books(desk, schedule_id, **each) for each in times]
    early, late, between = [
        await in_conflict(calcom, schedule_id, start_time=START + start * HOUR, end_time=START + end * HOUR)
        for start, end in ((0, 1), (2, 3), (0.5, 2.5))
    ]
    await desk.data.change(desk.actor, SCHEDULES, schedule_id, {"capacity": 2}, ORIGIN)  # which frees time for all
    await to(desk, there[1], status=Status.CANCELLED)
    assert [await still_waits(calcom, one) for one in (early, late, between)] == [True, False, False]
    await to(desk, there[0], status=Status.CANCELLED)
    assert [await still_waits(calcom, one) for one in (early, late, between)] == [False, False, False]


async def test_a_holds_buffers_fall_free_with_it(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    kind = EventType(name="Talk", schedule_id=schedule_id, duration_minutes=60, buffer_after_minutes=60)
    event_type_id = (await desk.data.create(desk.actor, EVENT_TYPES, kind, ORIGIN, None)).id
    given = {"schedule_id": schedule_id, "event_type_id": event_type_id, "start_time": START, "end_time": END}
    hold = await desk.holds.create(desk.actor, given, 10, None)
    result = await in_conflict(calcom, schedule_id, start_time=END, end_time=END + HOUR)
    await desk.holds.release(desk.actor, hold.id, ORIGIN)
    assert not await still_waits(calcom, result)


async def test_one_that_is_over_or_gone_waits_no_more(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    there = await somebody_books(desk, schedule_id)
    await calcom.see(a_snapshot(chain, schedule_id))
    gone = await calcom.see(a_snapshot(chain, schedule_id, status="CANCELLED"))
    assert (gone.outcome, gone.conflict) == (UPDATED, False)
    await to(desk, there, status=Status.CANCELLED)
    assert not await calcom.holds_time(gone.booking_id)
    cancelled = (await told(desk, gone))[-1]
    assert (cancelled.type, cancelled.data.resource.external.conflict) == ("reservation.cancelled", False)


async def test_staff_may_confirm_and_complete_one_that_waits_for_its_time(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    await somebody_books(desk, schedule_id)
    result = await in_conflict(calcom, schedule_id, status="PENDING")
    desk.now = END + HOUR
    for status in (Status.CONFIRMED, Status.COMPLETED):
        await to(desk, str(result.booking_id), status=status)
        assert await still_waits(calcom, result)


async def test_its_times_are_changed_there_and_the_rest_here_too(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    result = await calcom.see(a_snapshot(chain, schedule_id))
    booking_id = str(result.booking_id)
    for param in ("start_time", "end_time"):
        moved = {"start_time": START + HOUR / 2} if param == "start_time" else {"end_time": END + HOUR}
        with pytest.raises(ExternalReadOnlyError) as refused:
            await to(desk, booking_id, details=moved)
        assert refused.value.param == param
    same = {"start_time": START, "end_time": END, "title": "Mine"}
    await to(desk, booking_id, details=same, metadata={"note": "by the window"})
    assert (await calcom.booking(result)).metadata["note"] == "by the window"
    await calcom.see(a_snapshot(chain, schedule_id, metadata={"other": 1}))
    booking = await calcom.booking(result)
    assert (booking.title, booking.metadata["note"], booking.metadata["other"]) == ("Consultation", "by the window", 1)
    assert "campaign" not in booking.metadata
    before = await told(desk, result)
    editable = await calcom.see(a_snapshot(chain, schedule_id, metadata={"other": 1}, times_editable=True))
    assert editable.outcome is UNCHANGED
    assert await told(desk, result) == before
    await to(desk, booking_id, details={"start_time": START + HOUR, "end_time": END + HOUR})
    assert (await calcom.booking(result)).start_time == START + HOUR


async def test_no_rule_for_those_who_book_here_has_a_say_in_it(desk: Desk, calcom: Watcher) -> None:
    """Neither opening hours nor limits, nor that an attendee has a slot once, nor the time that it is."""
    schedule_id = await desk.schedule(
        capacity=3, weekly_hours={}, max_bookings_per_day=1, max_bookings_per_minute=1, complete_after_minutes=10
    )
    results = [await calcom.see(a_snapshot(a_chain(), schedule_id)) for _ in range(3)]
    assert {result.outcome for result in results} == {CREATED}
    desk.now = END + HOUR
    past = await calcom.see(a_snapshot(a_chain(), schedule_id, start_time=START - 24 * HOUR))
    assert past.outcome is CREATED
    await desk.completion.complete_due()
    assert (await calcom.booking(results[0])).status is Status.CONFIRMED  # it completes there


async def test_its_event_types_buffers_are_kept_free(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    kind = EventType(name="Talk", schedule_id=schedule_id, duration_minutes=60, buffer_after_minutes=30)
    event_type_id = (await desk.data.create(desk.actor, EVENT_TYPES, kind, ORIGIN, None)).id
    await calcom.see(a_snapshot(chain, schedule_id, event_type_id=event_type_id))
    with pytest.raises(SlotUnavailableError):
        await somebody_books(desk, schedule_id, start_time=END, end_time=END + HOUR)
    await calcom.see(a_snapshot(chain, schedule_id))
    await somebody_books(desk, schedule_id, start_time=END, end_time=END + HOUR)


async def test_one_that_the_integration_gives_another_schedule_goes_there(desk: Desk, calcom: Watcher) -> None:
    old, new, chain = await desk.schedule(), await desk.schedule(), a_chain()
    await calcom.see(a_snapshot(chain, old))
    waiting = await in_conflict(calcom, old)
    result = await calcom.see(a_snapshot(chain, new))
    assert ((await told(desk, result))[-1].data.resource.schedule_id, result.conflict) == (new, False)
    assert not await still_waits(calcom, waiting)
    with pytest.raises(SlotUnavailableError):
        await somebody_books(desk, new)


async def test_one_without_attendees_has_nobodys_name(desk: Desk, calcom: Watcher) -> None:
    schedule_id, chain = await desk.schedule(), a_chain()
    result = await calcom.see(a_snapshot(chain, schedule_id, attendees=[], host=None, timezone="Nowhere/None"))
    booking = await calcom.booking(result)
    assert (booking.attendee_name, booking.attendee_email, booking.timezone) == ("", "", "UTC")
    await calcom.see(a_snapshot(chain, schedule_id))
    result = await calcom.see(a_snapshot(chain, schedule_id, attendees=[]))
    assert (await calcom.booking(result)).attendee_name == "Ada"  # who came before, now that nobody is left


async def free_at(desk: Desk, schedule_id: str, start: Any, **fields: Any) -> int:
    """How many more bookings availability offers for an hour."""
    search = Search(
        **{
            "schedule_id": schedule_id,
            "location_id": None,
            "event_type_id": None,
            "party_size": 1,
            "since": start,
            "until": start + HOUR / 2,
            "duration_minutes": 60,
            "interval_minutes": 30,
            "exclude_booking_id": None,
            **fields,
        }
    )
    offer = await Availability(desk.db, desk.clock).find(desk.actor, search)
    return next((slot.remaining or 0 for slot in offer.slots if slot.start == start.timestamp()), 0)


async def test_nobody_is_offered_or_given_the_time_of_one_that_waits(desk: Desk, calcom: Watcher) -> None:
    """«availability subtracts it all the same»"""
    schedule_id = await desk.schedule(capacity=2)
    for _ in range(2):
        await somebody_books(desk, schedule_id)
    result = await in_conflict(calcom, schedule_id, start_time=START + HOUR / 2)
    assert [await free_at(desk, schedule_id, at) for at in (START - HOUR, END, END + HOUR / 2)] == [2, 1, 2]
    assert await free_at(desk, schedule_id, END, exclude_booking_id=result.booking_id) == 2
    await somebody_books(desk, schedule_id, start_time=END, end_time=END + HOUR)
    with pytest.raises(SlotUnavailableError):
        await somebody_books(desk, schedule_id, start_time=END, end_time=END + HOUR)


async def test_what_was_held_before_is_given_all_the_same(desk: Desk, calcom: Watcher) -> None:
    schedule_id = await desk.schedule()
    hold = await desk.hold(schedule_id)
    result = await in_conflict(calcom, schedule_id)
    new = a_request(hold_id=hold.id, schedule_id=schedule_id)
    new = type(new)(visit={}, hold_id=hold.id, attendee=new.attendee)
    booking = await desk.bookings.create(desk.actor, new, ORIGIN, None)
    assert await calcom.holds_time(booking.id)
    assert await still_waits(calcom, result)


def metadata_bytes(seen: CalcomBooking) -> int:
    return len(json.dumps(provided_metadata(seen), ensure_ascii=False).encode())


async def test_the_largest_booking_fits_into_a_record(desk: Desk, calcom: Watcher) -> None:
    """As much as may be kept was there before, and is there after: the record has it three times."""
    schedule_id, chain = await desk.schedule(), a_chain()

    def large(letter: str, more: int = 0) -> CalcomBooking:
        text = letter + "\x01" * 2_499
        who = {**ADA, "name": text, "email": text, "phone": text}
        fields = {"title": text, "description": text, "location": text, "status_reason": text, "attendees": [who]}
        bare = a_snapshot(chain, schedule_id, **fields, metadata={"m": ""})
        free = EXTERNAL_METADATA_BYTES - metadata_bytes(bare) + more
        return bare.model_copy(update={"metadata": {"m": letter * free}})

    assert (await calcom.see(large("a"))).outcome is CREATED
    assert (await calcom.see(large("b"))).outcome is UPDATED
    refused = await calcom.see(large("c", more=1))
    assert (refused.outcome, refused.problem and refused.problem.param) == (INVALID, "metadata")
    async with desk.db.connection() as conn:
        sizes = await conn.fetch(
            "SELECT length(value) AS bytes FROM outbox WHERE key = $1", (refused.booking_id or "").encode()
        )
    assert 800_000 < max(row["bytes"] for row in sizes) < outbox.room(BOOKING_EVENTS) - 16 * 1024
