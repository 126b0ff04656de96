"""How a booking changes: details, tables, status, and what is told of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.booking import UPDATED_FIELDS, FieldChange
from booking.domain.change import (
    Change,
    TableChoice,
    check_allowed,
    check_times,
    check_version,
    choose_tables,
    facts,
    move_status,
    needs_place,
    revise,
)
from booking.domain.errors import (
    ExternalReadOnlyError,
    ForbiddenError,
    InvalidTransitionError,
    OutsideAvailabilityError,
    ValidationFailedError,
    VersionConflictError,
)
from booking.domain.facts import Assigned, Event, StatusChanged, Unassigned, Updated, record
from booking.domain.hours import Hours, OpenHours
from booking.domain.place import Appointment, Place, TablePlace
from booking.domain.status import TERMINAL, Status
from chassis.ids import next_id
from support.booking_values import CLIENT, END, NOW, STAFF, START, a_booking, a_location, a_schedule

HOUR = timedelta(hours=1)
TABLES = (TablePlace("tbl_2", 21, 1, 2), TablePlace("tbl_4", 22, 1, 4), TablePlace("tbl_6", 23, 1, 6))
PLACE = Place(location=a_location(*TABLES))


def test_metadata_merges_and_null_takes_a_key_away() -> None:
    before = a_booking(metadata={"a": 1, "b": {"c": 2}, "d": 4})
    after = revise(before, Change(metadata={"a": None, "b": {"e": 5}}), STAFF, now=NOW)
    assert after.metadata == {"b": {"e": 5}, "d": 4}


def test_the_merged_metadata_is_what_is_measured() -> None:
    before = a_booking(metadata={"a": "x" * 10_000})
    with pytest.raises(ValidationFailedError, match="16384 bytes"):
        revise(before, Change(metadata={"b": "x" * 10_000}), STAFF, now=NOW)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize(
    ("change", "param"),
    [
        (Change(details={"start_time": START - HOUR}), "start_time"),
        (Change(details={"end_time": END + HOUR}), "end_time"),
        (Change(details={"start_time": START, "end_time": END + HOUR}), "end_time"),
        (Change(table_ids=()), "table_ids"),
    ],
)
def test_a_booking_that_is_over_keeps_its_time_and_tables(status: Status, change: Change, param: str) -> None:
    with pytest.raises(InvalidTransitionError) as refused:
        revise(a_booking(status=status), change, STAFF, now=NOW)
    assert refused.value.param == param


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_booking_that_is_over_keeps_its_table_however_its_party_grows(status: Status) -> None:
    over = a_booking(status=status, table_ids=("tbl_2",))
    kept = choose_tables(over, replace(over, party_size=9), Change(), PLACE)
    assert kept == TableChoice(("tbl_2",), reassign=False, by_staff=False)


def test_all_that_breaks_a_rule_is_refused_at_once() -> None:
    change = Change(details={"start_time": NOW - HOUR, "end_time": NOW - 2 * HOUR}, metadata={"a": float("inf")})
    with pytest.raises(ValidationFailedError) as refused:
        revise(a_booking(), change, CLIENT, now=NOW)
    assert [(flaw.param, flaw.rule) for flaw in refused.value.flaws] == [
        ("end_time", "after_start"),
        ("start_time", "past"),
        ("metadata", "json"),
    ]


def test_a_booking_that_is_over_may_still_be_annotated() -> None:
    after = revise(a_booking(status=Status.CANCELLED), Change(details={"attendee_notes": "sorry"}), STAFF, now=NOW)
    assert after.attendee_notes == "sorry"


def test_a_client_may_not_move_into_the_past_but_may_leave_a_past_start_alone() -> None:
    with pytest.raises(ValidationFailedError):
        revise(a_booking(), Change(details={"start_time": NOW - HOUR}), CLIENT, now=NOW)
    later = END + 2 * HOUR
    assert revise(a_booking(), Change(details={"title": "Tea"}), CLIENT, now=later).title == "Tea"


def test_a_version_that_has_passed_is_a_conflict() -> None:
    check_version(a_booking(version=3), Change(if_version=3))
    check_version(a_booking(version=3), Change())
    with pytest.raises(VersionConflictError) as refused:
        check_version(a_booking(version=3), Change(if_version=2))
    assert refused.value.details == {"version": 3}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (Change(table_ids=()), "table_ids"),
        (Change(correction=True), "correction"),
        (Change(override_availability=True), "override_availability"),
        *((Change(status=status), "status") for status in Status if status is not Status.CANCELLED),
    ],
)
def test_what_is_the_staffs_is_refused_to_clients(change: Change, param: str) -> None:
    with pytest.raises(ForbiddenError) as refused:
        check_allowed(change, CLIENT)
    assert refused.value.param == param
    check_allowed(change, STAFF)


def test_a_client_may_cancel() -> None:
    check_allowed(Change(status=Status.CANCELLED), CLIENT)


def test_the_status_a_booking_has_is_no_transition() -> None:
    done = a_booking(status=Status.COMPLETED)
    assert move_status(done, Change(status=Status.COMPLETED), now=NOW) is done
    assert move_status(done, Change(), now=NOW) is done


def test_details_come_first_so_a_no_show_is_judged_by_the_new_start() -> None:
    moved = a_booking(start_time=NOW - HOUR, end_time=NOW)
    assert move_status(moved, Change(status=Status.NO_SHOW), now=NOW).status is Status.NO_SHOW
    with pytest.raises(InvalidTransitionError):
        move_status(a_booking(), Change(status=Status.NO_SHOW), now=NOW)


def test_only_a_move_is_measured_by_the_opening_hours() -> None:
    closed = Place(a_schedule(hours=Hours({"monday": [OpenHours(start="09:00", end="10:00")]})))
    before, moved = a_booking(), a_booking(end_time=END + HOUR)
    check_times(before, a_booking(title="x"), Change(), closed, now=NOW)
    check_times(before, moved, Change(override_availability=True), closed, now=NOW)
    with pytest.raises(OutsideAvailabilityError):
        check_times(before, moved, Change(), closed, now=NOW)


def test_a_booking_that_keeps_its_start_is_asked_for_its_length_alone() -> None:
    rules = Appointment(
        event_type_id="evt_1",
        duration_minutes=60,
        durations_minutes=(60, 120),
        minimum_notice_minutes=7 * 24 * 60,
        interval_minutes=7 * 60,
    )
    place, before = Place(a_schedule(), appointment=rules), a_booking(event_type_id="evt_1")
    check_times(before, a_booking(end_time=END + HOUR), Change(), place, now=NOW)
    for moved in (a_booking(end_time=END + HOUR / 2), a_booking(start_time=START + HOUR, end_time=END + HOUR)):
        with pytest.raises(OutsideAvailabilityError):
            check_times(before, moved, Change(), place, now=NOW)


def found(chosen: tuple[str, ...] | None = None, *, reassign: bool = False) -> TableChoice:
    return TableChoice(chosen, reassign=reassign, by_staff=False)


def by_staff(chosen: tuple[str, ...] | None, *, reassign: bool = False) -> TableChoice:
    return TableChoice(chosen, reassign=reassign, by_staff=True)


@pytest.mark.parametrize(
    ("before", "party_size", "change", "if_found", "if_chosen"),
    [
        (("tbl_2",), 2, Change(), found(), by_staff(None)),
        (("tbl_2",), 3, Change(), found(reassign=True), found(reassign=True)),
        (("tbl_4",), 1, Change(), found(), by_staff(None)),
        (("tbl_2", "tbl_4"), 6, Change(), found(), by_staff(("tbl_2", "tbl_4"))),
        (("tbl_2", "tbl_4"), 7, Change(), found(reassign=True), found(reassign=True)),
        ((), 9, Change(), found(), by_staff(())),
        (("tbl_2",), 2, Change(table_ids=("tbl_4",)), *[by_staff(("tbl_4",), reassign=True)] * 2),
        (("tbl_2", "tbl_4"), 2, Change(table_ids=("tbl_4", "tbl_2")), *[by_staff(("tbl_4", "tbl_2"))] * 2),
        (("tbl_2",), 2, Change(table_ids=()), *[by_staff((), reassign=True)] * 2),
    ],
)
def test_tables_stay_as_long_as_they_seat_the_party(
    before: tuple[str, ...], party_size: int, change: Change, if_found: TableChoice, if_chosen: TableChoice
) -> None:
    for chosen, choice in ((False, if_found), (True, if_chosen)):
        booking = a_booking(table_ids=before, tables_chosen=chosen)
        assert choose_tables(booking, replace(booking, party_size=party_size), change, PLACE) == choice


def test_staff_cannot_choose_tables_that_do_not_fit() -> None:
    with pytest.raises(ValidationFailedError):
        choose_tables(a_booking(), a_booking(party_size=3), Change(table_ids=("tbl_2",)), PLACE)


def test_the_place_is_asked_only_when_it_has_a_say() -> None:
    before = a_booking(table_ids=("tbl_2",))
    assert not needs_place(before, replace(before, title="x"), replace(before, title="x"), Change())
    assert not needs_place(before, before, replace(before, status=Status.CANCELLED), Change())
    assert needs_place(before, replace(before, party_size=3), replace(before, party_size=3), Change())
    assert needs_place(before, before, before, Change(table_ids=()))
    gone = replace(before, status=Status.NO_SHOW)
    assert needs_place(gone, gone, before, Change())
    later = replace(before, end_time=END + HOUR)
    assert needs_place(before, later, later, Change())


ANOTHER: dict[str, Any] = {
    "start_time": START + HOUR,
    "end_time": END + HOUR,
    "timezone": "Asia/Tokyo",
    "party_size": 3,
    "title": "Tea",
    "location": "Here",
    "location_type": "video",
    "attendee_name": "Grace",
    "attendee_email": "grace@example.com",
    "attendee_phone": "1",
    "attendee_timezone": "UTC",
    "attendee_notes": "n",
    "source": "phone",
    "metadata": {"a": 1},
}


def test_every_field_of_the_catalog_is_told_and_no_other() -> None:
    assert set(ANOTHER) == set(UPDATED_FIELDS)


@given(st.sets(st.sampled_from(sorted(ANOTHER))))
def test_an_update_tells_exactly_the_fields_that_changed(names: set[str]) -> None:
    before = a_booking()
    after = a_booking(**{name: ANOTHER[name] for name in names}, version=2, updated_at=END)
    told = facts(before, after, after, None)
    changes = {name: FieldChange(getattr(before, name), ANOTHER[name]) for name in UPDATED_FIELDS if name in names}
    assert told == ([(Updated(changes), after)] if names else [])


def test_a_change_of_tables_alone_is_an_update_of_nothing_with_its_bookkeeping() -> None:
    before, after = a_booking(table_ids=("tbl_2", "tbl_4")), a_booking(table_ids=("tbl_4", "tbl_6"))
    told = [fact for fact, _ in facts(before, after, after, None)]
    assert told == [Updated({}), Unassigned(("tbl_2",)), Assigned(("tbl_6",))]


def test_details_are_told_before_the_status_each_with_the_booking_right_after_it() -> None:
    before = a_booking(status=Status.PENDING)
    revised = a_booking(status=Status.PENDING, title="Tea")
    after = a_booking(status=Status.CONFIRMED, title="Tea")
    assert facts(before, revised, after, "paid") == [
        (Updated({"title": FieldChange(None, "Tea")}), revised),
        (StatusChanged(Status.PENDING, Status.CONFIRMED, "paid"), after),
    ]


@given(
    st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(1, 4)), min_size=1, max_size=6),
)
def test_events_are_numbered_without_a_gap_and_never_go_back_whatever_the_clock_does(
    changes: list[tuple[int, int]],
) -> None:
    """Each change comes at its own instant, some of them before the last one, and tells of one or more facts."""
    events: list[Event] = []
    for milliseconds, count in changes:
        previous = events[-1].booking if events else None
        steps = [(Updated({}), previous or a_booking())] * count
        now = NOW + timedelta(milliseconds=milliseconds)
        events += record(steps, previous, now=now, next_id=lambda last, at: next_id("evt", last, at))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert sorted(events, key=lambda event: (event.at, event.id)) == events
    assert len({event.id for event in events}) == len(events)
    for event in events:
        assert (event.booking.sequence, event.booking.last_event_id) == (event.sequence, event.id)
        assert event.booking.last_event_at == event.at


@pytest.mark.parametrize("param", ["start_time", "end_time"])
def test_the_times_of_a_booking_from_elsewhere_are_changed_there(param: str) -> None:
    booking = a_booking(external_provider="calcom", external_uid="cal_1", times_editable=False)
    change = Change(details={param: getattr(booking, param) + HOUR / 4})
    with pytest.raises(ExternalReadOnlyError, match=f"calcom, and its {param} is changed there") as refused:
        revise(booking, change, STAFF, now=NOW)
    assert (refused.value.code, refused.value.param) == ("external_read_only", param)
    assert revise(replace(booking, times_editable=True), change, STAFF, now=NOW).span != booking.span


def test_what_changes_no_time_of_a_booking_from_elsewhere_is_changed_here() -> None:
    metadata = {"attendees": "x" * 20_000}
    booking = a_booking(external_provider="calcom", external_uid="cal_1", times_editable=False, metadata=metadata)
    details = {"start_time": booking.start_time, "end_time": booking.end_time, "title": "Mine"}
    revised = revise(booking, Change(details=details, metadata={"note": "x"}), STAFF, now=NOW)
    assert (revised.title, revised.metadata) == ("Mine", {**metadata, "note": "x"})
    with pytest.raises(ValidationFailedError, match="at most 196608 bytes"):
        revise(booking, Change(metadata={"note": "x" * 200_000}), STAFF, now=NOW)
