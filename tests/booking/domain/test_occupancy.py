"""What a booking occupies, and what changes of it mean for that."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.errors import SlotUnavailableError
from booking.domain.occupancy import (
    AllOf,
    AnyOf,
    Claim,
    Freed,
    Keep,
    Plan,
    Reclaim,
    Release,
    Shorten,
    TablesFor,
    choose,
    demands,
    freed,
    is_unplaced,
    plan,
    stored_span,
    tables_among,
)
from booking.domain.place import Place, TablePlace
from booking.domain.status import OCCUPYING, Status
from booking.domain.times import Span
from support.booking_values import END, NOW, START, a_booking, a_location, a_schedule

HOUR = timedelta(hours=1)
TWO, FOUR, SIX = TablePlace("tbl_2", 21, 1, 2), TablePlace("tbl_4", 22, 2, 4), TablePlace("tbl_6", 23, 5, 6)
FREEING = (Status.CANCELLED, Status.DECLINED, Status.NO_SHOW)


def test_buffers_are_part_of_what_is_stored() -> None:
    booking = a_booking(buffer_before_minutes=10, buffer_after_minutes=5)
    assert stored_span(booking) == Span(START - timedelta(minutes=10), END + timedelta(minutes=5))


@pytest.mark.parametrize("before", sorted(OCCUPYING))
@pytest.mark.parametrize("after", sorted(OCCUPYING))
def test_moving_between_statuses_that_occupy_changes_nothing(before: Status, after: Status) -> None:
    assert plan(a_booking(status=before), a_booking(status=after), reassign=False, now=NOW) == Keep()


@pytest.mark.parametrize("after", FREEING)
def test_cancelled_declined_and_no_show_free_everything(after: Status) -> None:
    assert plan(a_booking(), a_booking(status=after), reassign=False, now=NOW) == Release()
    assert plan(a_booking(status=after), a_booking(status=after, party_size=9), reassign=False, now=NOW) == Keep()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - HOUR, Release()),
        (START, Release()),
        (START + timedelta(seconds=90, microseconds=5), Shorten(START + timedelta(seconds=90))),
        (END, Keep()),
        (END + HOUR, Keep()),
    ],
)
def test_completed_frees_what_remains(now: object, expected: object) -> None:
    assert plan(a_booking(), a_booking(status=Status.COMPLETED), reassign=False, now=now) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [Status.CONFIRMED, Status.SEATED])
def test_a_correction_of_a_no_show_claims_again(after: Status) -> None:
    assert plan(a_booking(status=Status.NO_SHOW), a_booking(status=after), reassign=False, now=NOW) == Reclaim(
        Span(START, END)
    )


def test_a_move_claims_and_an_earlier_end_only_shortens() -> None:
    moved = a_booking(start_time=START + HOUR, end_time=END + HOUR)
    assert plan(a_booking(), moved, reassign=False, now=NOW) == Reclaim(moved.span)
    longer = a_booking(end_time=END + HOUR)
    assert plan(a_booking(), longer, reassign=False, now=NOW) == Reclaim(longer.span)
    shorter = a_booking(end_time=END - HOUR / 2)
    assert plan(a_booking(), shorter, reassign=False, now=NOW) == Shorten(END - HOUR / 2)
    assert plan(a_booking(), shorter, reassign=True, now=NOW) == Reclaim(shorter.span)


def test_what_is_moved_and_completed_at_once_claims_no_more_than_it_has_used_up() -> None:
    completed = a_booking(status=Status.COMPLETED, start_time=START - HOUR / 2)
    now = START + timedelta(minutes=30, microseconds=5)
    assert plan(a_booking(), completed, reassign=False, now=now) == Reclaim(
        Span(START - HOUR / 2, START + timedelta(minutes=30))
    )


def test_a_move_of_what_occupies_nothing_claims_nothing() -> None:
    before = a_booking(status=Status.NO_SHOW)
    after = a_booking(status=Status.NO_SHOW, start_time=START + HOUR, end_time=END + HOUR)
    assert plan(before, after, reassign=True, now=NOW) == Keep()


def test_a_completed_booking_whose_details_change_keeps_what_it_has() -> None:
    done = a_booking(status=Status.COMPLETED)
    assert plan(done, a_booking(status=Status.COMPLETED, title="x"), reassign=False, now=END + HOUR) == Keep()


def test_a_schedule_demands_any_lane_its_own_first() -> None:
    place = Place(schedule=a_schedule(lanes=(7, 8, 9)))
    assert demands(a_booking(), place, chosen=None) == [AnyOf((7, 8, 9))]
    assert demands(a_booking(), replace(place, held=frozenset({9})), chosen=()) == [AnyOf((9, 7, 8))]


def test_a_location_demands_tables_for_the_party_its_own_first() -> None:
    place = Place(location=a_location(TWO, FOUR), held=frozenset({7}))
    booking = a_booking(schedule_id=None, location_id="loc_1")
    assert demands(booking, place, chosen=None) == [TablesFor((TWO, FOUR), 2)]
    own = TablesFor((TWO, FOUR), 2, frozenset({22}))
    assert demands(a_booking(table_ids=("tbl_4",)), place, chosen=None) == [own]
    assert demands(a_booking(), replace(place, held=frozenset({7, 22})), chosen=None) == [own]


@pytest.mark.parametrize(
    ("own", "party_size", "taken", "chosen"),
    [
        (set(), 2, set(), {21}),
        ({22}, 2, set(), {22}),
        ({22}, 2, {22}, {21}),
        ({22}, 1, set(), {21}),  # it is for parties of 2 and more
        ({21, 22}, 5, set(), {21, 22}),
        ({21, 22}, 5, {21}, {23}),
        ({21, 22}, 7, set(), {31, 32}),
    ],
)
def test_what_the_booking_has_is_taken_again_if_it_suits_the_party_and_is_free(
    own: set[int], party_size: int, taken: set[int], chosen: set[int]
) -> None:
    together = [TablePlace(f"tbl_{number}", number, 1, 4, None, combinable=True) for number in (31, 32)]
    demand = TablesFor((TWO, FOUR, SIX, *together), party_size, frozenset(own))
    place = Place(taken=frozenset(taken))
    claim = choose([demand], a_booking(), place, span=a_booking().span)
    assert set(claim.resource_nos) == chosen


def test_chosen_tables_are_demanded_all_of_them_and_choosing_none_demands_none() -> None:
    place = Place(location=a_location(TWO, FOUR, SIX))
    (demand,) = demands(a_booking(), place, chosen=("tbl_6", "tbl_2"))
    assert isinstance(demand, AllOf)
    assert demand.resource_nos == (21, 23)
    assert demands(a_booking(), place, chosen=()) == []


def test_a_location_without_tables_is_occupied_by_nobody() -> None:
    assert demands(a_booking(), Place(location=a_location()), chosen=None) == []


def test_a_schedule_at_a_location_needs_both() -> None:
    place = Place(schedule=a_schedule(), location=a_location(TWO))
    assert demands(a_booking(), place, chosen=None) == [AnyOf((7,)), TablesFor((TWO,), 2)]
    assert tables_among(place, {7, 21}) == ("tbl_2",)


@pytest.mark.parametrize(
    ("fields", "chosen", "param", "told"),
    [
        ({"party_size": 2}, None, "start_time", "that time is taken"),
        ({"party_size": 9}, None, "party_size", "no table of the location takes a party of 9"),
        ({"party_size": 2}, ("tbl_2", "tbl_4"), "table_ids", "not all of these tables are free at that time"),
        ({"table_ids": ("tbl_4", "tbl_2")}, ("tbl_2", "tbl_4"), "start_time", "that time is taken"),
    ],
)
def test_a_refusal_names_what_stands_in_the_way(
    fields: dict[str, Any], chosen: tuple[str, ...] | None, param: str, told: str
) -> None:
    place = Place(location=a_location(TWO, FOUR), taken=frozenset({21, 22}))
    booking = a_booking(schedule_id=None, location_id="loc_1", **fields)
    with pytest.raises(SlotUnavailableError) as refused:
        choose(demands(booking, place, chosen=chosen), booking, place, span=booking.span)
    assert (refused.value.param, refused.value.message) == (param, told)


def test_the_first_free_resource_is_chosen_and_all_that_are_asked_for() -> None:
    taken, span = Place(taken=frozenset({7, 22})), Span(START, END - HOUR / 2)
    claim = choose([AnyOf((7, 8, 9)), AllOf((21, 23))], a_booking(), taken, span=span)
    assert claim == Claim((8, 21, 23), span)


@pytest.mark.parametrize("wanted", [AnyOf((7,)), AnyOf(()), AllOf((7, 8))])
def test_what_is_taken_is_not_chosen(wanted: AnyOf | AllOf) -> None:
    with pytest.raises(SlotUnavailableError):
        choose([AnyOf((8,)), wanted], a_booking(), Place(taken=frozenset({7})), span=a_booking().span)


@pytest.mark.parametrize(("unplaced", "chosen"), [(0, 8), (1, 8), (2, None), (3, None)])
def test_a_lane_is_left_free_for_each_booking_that_has_none(unplaced: int, chosen: int | None) -> None:
    """Architecture, section 8: it has no occupancy row, «availability subtracts it all the same»."""
    place = Place(schedule=a_schedule(lanes=(7, 8, 9)), taken=frozenset({7}), unplaced=unplaced)
    booking = a_booking()
    wanted = demands(booking, place, chosen=None)
    if chosen is None:
        with pytest.raises(SlotUnavailableError, match="that time is taken"):
            choose(wanted, booking, place, span=booking.span)
    else:
        assert choose(wanted, booking, place, span=booking.span).resource_nos == (chosen,)


IN_CONFLICT = a_booking(external_provider="calcom", external_uid="cal_1", times_editable=False, conflict=True)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"status": Status.SEATED}, Keep()),
        ({"status": Status.COMPLETED}, Keep()),
        ({"status": Status.CANCELLED}, Keep()),
        ({"end_time": END - HOUR / 2}, Reclaim(Span(START, END - HOUR / 2))),
    ],
)
def test_one_in_conflict_gives_up_nothing_and_claims_only_another_time(changed: dict[str, Any], expected: Plan) -> None:
    assert plan(IN_CONFLICT, replace(IN_CONFLICT, **changed), reassign=False, now=END) == expected


def test_one_in_conflict_waits_as_long_as_it_takes_time_and_has_none() -> None:
    claim = Claim((7,), IN_CONFLICT.span)
    cancelled = replace(IN_CONFLICT, status=Status.CANCELLED)
    assert is_unplaced(IN_CONFLICT, None, NOW)
    assert not is_unplaced(IN_CONFLICT, claim, NOW)
    assert not is_unplaced(cancelled, None, NOW)
    assert not is_unplaced(a_booking(), None, NOW)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, False),
        ({"title": "Tea"}, False),
        ({"status": Status.SEATED}, False),
        ({"end_time": END + HOUR}, False),
        ({"end_time": END - HOUR / 2}, True),
        ({"start_time": START + HOUR / 2}, True),
        ({"status": Status.CANCELLED}, True),
        ({"status": Status.COMPLETED}, True),
        ({"schedule_id": "sch_2"}, True),
        ({"conflict": True}, True),
    ],
)
def test_a_schedules_time_is_freed_by_what_leaves_some_of_it(changed: dict[str, Any], *, expected: bool) -> None:
    before = a_booking()
    after = replace(before, **changed)
    left = Freed("sch_1", before.span) if expected else None
    assert freed(before, after, START + HOUR / 4) == left
    assert freed(replace(before, schedule_id=None), replace(after, schedule_id=None), START + HOUR / 4) is None
    assert freed(replace(before, conflict=True), after, START + HOUR / 4) is None


@given(st.integers(2, 40), st.sets(st.integers(1, 30)))
def test_who_lost_a_race_chooses_among_more(attempt: int, taken: set[int]) -> None:
    lanes = tuple(range(1, 32))
    free = [lane for lane in lanes if lane not in taken]
    racers = [a_booking(id=f"bk_{number}") for number in range(200)]
    place = Place(taken=frozenset(taken))
    claims = [choose([AnyOf(lanes)], racer, place, span=racer.span, attempt=attempt) for racer in racers]
    chosen = {claim.resource_nos[0] for claim in claims}
    assert chosen <= set(free[: attempt**2])
    assert len(chosen) > 1 or len(free) == 1


@pytest.mark.parametrize("attempt", [2, 3, 4, 20])
def test_who_lost_a_race_for_tables_put_together_chooses_among_others_that_seat_the_party(attempt: int) -> None:
    tables = tuple(TablePlace(f"tbl_{number}", number, 1, 4, None, combinable=True) for number in range(30))
    racers = [a_booking(id=f"bk_{number}") for number in range(200)]
    claims = {
        choose([TablesFor(tables, 7)], racer, Place(), span=racer.span, attempt=attempt).resource_nos
        for racer in racers
    }
    assert len(claims) == min(attempt**2, 15)
    assert all(len(numbers) == 2 for numbers in claims)
    assert len({number for numbers in claims for number in numbers}) == 2 * len(claims)
