"""Whose turn it is, and the reason why it is nobody else's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitlist.domain.candidates import Candidate
from waitlist.domain.choosing import SENTENCES, Choice, Reason, choose
from waitlist.domain.passing import EXPIRIES_IN_A_ROW, Pass, Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.refusing import TAKEN, Refusal, Refusals
from waitlist.domain.told import EventInstance, Location
from waitlist.domain.visits import Gone, Place, Spots, Tables

DAY = date(2026, 12, 21)
NOON = datetime(2026, 12, 21, 12, tzinfo=UTC)
NOW = datetime(2026, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISIT = timedelta(minutes=90)
LOCATION = Location("loc", "UTC")
ONE = Policy(offer_minutes=15)


def at(hour: int) -> Place:
    """A place at an hour."""
    start = NOON.replace(hour=hour)
    return Place(start, start + VISIT)


def tables(free: Mapping[int, Sequence[int]], location: Location = LOCATION) -> Tables:
    """What is free, by party size: hours."""
    return Tables(location, DAY, {(size, 90): [at(hour) for hour in hours] for size, hours in free.items()})


def spots(left: int, *, cancelled: bool = False) -> Spots:
    """An event instance with so many spots left."""
    instance = EventInstance("ins", "svc", "Yoga", NOON, NOON + HOUR, "UTC", 10, left, cancelled)
    return Spots(instance, left)


def let_pass(hour: int, *, declined: bool = False, reopened: bool = False, **counts: int) -> Passed:
    """What entries let pass, each so often: a place at an hour."""
    return Passed(
        [Pass(entry_id, at(hour), "r", declined, reopened) for entry_id, count in counts.items() for _ in range(count)]
    )


NOTHING = Passed()
CLASS = Place(NOON, NOON + HOUR)


def of(entry_id: str, party_size: int = 2, *hours: int, **more: Any) -> Candidate:
    """Somebody who waits, from an hour to another."""
    if hours:
        more |= {"window_start": at(hours[0]).start, "window_end": at(hours[1]).start}
    return Candidate(entry_id, party_size, **more)


def chosen(
    queue: Sequence[Candidate],
    facts: Tables | Spots | Gone,
    policy: Policy = ONE,
    passed: Passed = NOTHING,
    *,
    refused: Sequence[Refusal] = (),
    now: datetime = NOW,
) -> Choice:
    """Choose."""
    return choose(queue, facts, policy, passed, refused=Refusals(refused), now=now)


def picked(choice: Choice) -> list[tuple[str, int]]:
    """Who is offered which hour."""
    return [(pick.entry_id, pick.place.start.hour) for pick in choice.picks]


def test_the_first_whom_something_fits_is_offered_the_earliest() -> None:
    choice = chosen([of("a", 4), of("b", 2, 18, 23), of("c")], tables({2: [17, 19, 20]}))
    assert picked(choice) == [("b", 19)]
    assert choice.skipped == {"a": Reason.NOTHING_FREE, "c": Reason.BEHIND}


def test_in_strict_order_who_cannot_be_served_stops_those_behind() -> None:
    strict = Policy(offer_minutes=15, strict_order=True)
    choice = chosen([of("asked", offered=at(12)), of("a", 4), of("b")], tables({2: [19]}), strict)
    assert picked(choice) == []
    assert choice.skipped == {"asked": Reason.ASKED, "a": Reason.NOTHING_FREE, "b": Reason.STRICT_ORDER}


@pytest.mark.parametrize("shut", [Reason.CLOSED, Reason.TOO_LATE])
def test_in_strict_order_who_can_never_be_served_is_in_nobodys_way(shut: Reason) -> None:
    strict = Policy(offer_minutes=15, strict_order=True)
    location = Location("loc", "UTC", weekly_hours={"monday": [(time(12), time(23))]})
    first = of("a", 2, 23, 23) if shut is Reason.CLOSED else of("a", 2, 12, 14)
    choice = chosen([first, of("b")], tables({2: [19]}, location), strict, now=NOON + HOUR)
    assert (choice.skipped["a"], picked(choice)) == (shut, [("b", 19)])


def test_who_let_a_place_go_by_is_asked_again_when_all_others_were() -> None:
    queue = [of("a"), of("b")]
    choice = chosen(queue, tables({2: [19]}), passed=let_pass(19, a=1))
    assert picked(choice) == [("b", 19)]
    assert choice.skipped == {"a": Reason.LET_GO}
    choice = chosen(queue, tables({2: [19]}), passed=let_pass(19, a=1, b=1))
    assert picked(choice) == [("a", 19)]
    choice = chosen(queue, tables({2: [19, 21]}), passed=let_pass(19, a=1))
    assert picked(choice) == [("a", 21)]  # another place


def test_what_overlaps_is_the_same_place_to_who_let_it_go_by() -> None:
    choice = chosen([of("a"), of("b")], tables({2: [19, 20]}), passed=let_pass(19, a=1))
    assert picked(choice) == [("b", 19)]
    choice = chosen([of("a"), of("b", 4, 20, 23)], tables({2: [19, 20], 4: [20]}), passed=let_pass(19, a=1))
    assert (picked(choice), choice.skipped) == ([("b", 20)], {"a": Reason.LET_GO})
    choice = chosen([of("a"), of("b", 4, 20, 23)], tables({2: [18], 4: [20]}), passed=let_pass(19, a=1))
    assert picked(choice) == [("a", 18)]  # what fits the other is none of what overlaps this
    passed = Passed([*let_pass(19, a=1, b=1).found, *let_pass(20, a=1).found])
    assert picked(chosen([of("a"), of("b")], tables({2: [19, 20]}), passed=passed)) == [("b", 19)]


def test_who_is_not_fitted_is_not_waited_for() -> None:
    choice = chosen([of("a"), of("b", 4)], tables({2: [19]}), passed=let_pass(19, a=2))
    assert picked(choice) == [("a", 19)]


def test_who_declined_a_place_is_not_offered_it_again_until_there_is_a_reason() -> None:
    for queue in ([of("a")], [of("a"), of("b", 4)]):
        choice = chosen(queue, tables({2: [19, 20]}), passed=let_pass(19, a=1, declined=True))
        assert (picked(choice), choice.skipped["a"]) == ([], Reason.LET_GO_FOR_GOOD)
        choice = chosen(queue, tables({2: [19, 21]}), passed=let_pass(19, a=1, declined=True))
        assert picked(choice) == [("a", 21)]  # another place
        choice = chosen(queue, tables({2: [19]}), passed=let_pass(19, a=1, declined=True, reopened=True))
        assert picked(choice) == [("a", 19)]


def test_who_lets_a_place_expire_is_offered_it_a_few_times_in_a_row() -> None:
    for often in range(EXPIRIES_IN_A_ROW):
        assert picked(chosen([of("a")], tables({2: [19]}), passed=let_pass(19, a=often))) == [("a", 19)]
    choice = chosen([of("a")], tables({2: [19]}), passed=let_pass(19, a=EXPIRIES_IN_A_ROW))
    assert (picked(choice), choice.skipped) == ([], {"a": Reason.LET_GO_FOR_GOOD})
    choice = chosen([of("a")], tables({2: [19]}), passed=let_pass(19, a=EXPIRIES_IN_A_ROW, reopened=True))
    assert picked(choice) == [("a", 19)]


def test_who_let_a_place_go_for_good_is_in_nobodys_way() -> None:
    strict = Policy(offer_minutes=15, strict_order=True)
    declined = let_pass(19, a=1, declined=True).found
    choice = chosen([of("a"), of("b")], tables({2: [19]}), strict, Passed(declined))
    assert picked(choice) == [("b", 19)]
    passed = Passed([*declined, *let_pass(19, b=2).found])
    assert picked(chosen([of("a"), of("b")], tables({2: [19]}), passed=passed)) == [("b", 19)]


def test_under_notify_all_everybody_whom_something_fits_is_told() -> None:
    everybody = Policy(offer_minutes=15, way=Way.NOTIFY_ALL)
    choice = chosen([of("a"), of("b", 4), of("c", 2, 20, 23)], tables({2: [19, 21]}), everybody)
    assert picked(choice) == [("a", 19), ("c", 21)]


def test_under_notify_all_who_declined_waits_for_those_who_were_told() -> None:
    everybody = Policy(offer_minutes=15, way=Way.NOTIFY_ALL)
    queue = [of("a"), of("b", offered=at(19), notice=True)]
    choice = chosen(queue, tables({2: [19]}), everybody, let_pass(19, a=1))
    assert (picked(choice), choice.skipped["a"], choice.lost) == ([], Reason.LET_GO, [])
    choice = chosen(queue, tables({2: []}), everybody)
    assert choice.lost == ["b"]


def test_whose_offer_is_of_other_times_than_the_event_has_is_named() -> None:
    later, longer = Place(NOON + HOUR, NOON + 2 * HOUR), Place(NOON, NOON + 2 * HOUR)
    queue = [of("a", offered=CLASS), of("b", offered=later), of("c", offered=longer, notice=True)]
    choice = chosen(queue, spots(2))
    assert (choice.moved, choice.lost) == (["b", "c"], [])
    assert chosen([of("a", offered=at(19))], tables({2: [20]})).moved == []  # a table is offered for many times


def test_what_booking_refused_is_not_asked_for_again() -> None:
    choice = chosen([of("a"), of("b")], tables({2: [19]}), refused=[Refusal("a", at(19), TAKEN)])
    assert (picked(choice), choice.skipped) == ([("b", 19)], {"a": Reason.TAKEN_MEANWHILE})


@pytest.mark.parametrize(("code", "hour"), [("already_booked", 21), ("validation_failed", None)])
def test_in_strict_order_whom_booking_refuses_is_in_nobodys_way(code: str, hour: int | None) -> None:
    strict = Policy(offer_minutes=15, strict_order=True)
    refused = [Refusal("a", at(19), code)]
    choice = chosen([of("a"), of("b")], tables({2: [19]}), strict, refused=refused)
    assert (picked(choice), choice.skipped) == ([("b", 19)], {"a": Reason.REFUSED})
    choice = chosen([of("a"), of("b")], tables({2: [19, 21]}), strict, refused=refused)
    assert picked(choice) == ([("b", 19)] if hour is None else [("a", hour)])
    taken = chosen([of("a"), of("b")], tables({2: [19]}), strict, refused=[Refusal("a", at(19), TAKEN)])
    assert (picked(taken), taken.skipped["b"]) == ([], Reason.STRICT_ORDER)


@pytest.mark.parametrize(
    ("code", "later"), [("already_booked", 21), ("outside_availability", 20), (TAKEN, 20), ("validation_failed", None)]
)
def test_what_booking_refuses_is_refused_for_as_long_as_the_reason_is_there(code: str, later: int | None) -> None:
    choice = chosen([of("a")], tables({2: [19, 20, 21]}), refused=[Refusal("a", at(19), code)])
    assert picked(choice) == ([] if later is None else [("a", later)])


def test_each_other_reason_is_told() -> None:
    auto = Policy(offer_minutes=15, way=Way.AUTO_CONVERT)
    assert chosen([of("a", bookable=False)], tables({2: [19]}), auto).skipped == {"a": Reason.UNREACHABLE}
    assert chosen([of("a", converting=True)], tables({2: [19]})).skipped == {"a": Reason.CONVERTING}
    assert chosen([of("a", 3)], spots(2)).skipped == {"a": Reason.TOO_FEW_SPOTS}
    assert chosen([of("a", offered=CLASS)], spots(2, cancelled=True)).skipped == {"a": Reason.CANCELLED}
    assert chosen([of("a")], Gone()).skipped == {"a": Reason.CANCELLED}
    assert chosen([of("a", 1)], spots(2), now=NOON).skipped == {"a": Reason.TOO_LATE}
    assert set(SENTENCES) == set(Reason)


@given(
    sizes=st.lists(st.integers(1, 4), max_size=8),
    offered=st.sets(st.integers(0, 7)),
    passed=st.dictionaries(st.integers(0, 7), st.integers(1, 2)),
    declined=st.booleans(),
    free=st.dictionaries(st.integers(1, 4), st.lists(st.sampled_from([18, 19, 20]), unique=True)),
    way=st.sampled_from(Way),
    strict=st.booleans(),
)
def test_nobody_is_left_without_a_reason_and_no_place_without_a_guest(
    sizes: list[int],
    offered: set[int],
    passed: dict[int, int],
    free: dict[int, list[int]],
    way: Way,
    *,
    strict: bool,
    declined: bool,
) -> None:
    queue = [of(str(n), size, offered=at(12) if n in offered else None) for n, size in enumerate(sizes)]
    let_go = Passed([Pass(str(n), at(19), "r", declined=declined) for n, count in passed.items() for _ in range(count)])
    policy = Policy(offer_minutes=15, way=way, strict_order=strict)
    choice = chosen(queue, tables({size: sorted(hours) for size, hours in free.items()}), policy, let_go)
    names = {pick.entry_id for pick in choice.picks}
    assert names | choice.skipped.keys() == {one.entry_id for one in queue}
    assert not names & choice.skipped.keys()
    reasons = set(choice.skipped.values())
    if not names:
        assert not reasons & {Reason.BEHIND, Reason.LET_GO}
    if not strict:
        fitting = [n for n, one in enumerate(queue) if one.offered is None and free.get(one.party_size)]
        assert bool(names) == any(not (declined and n in passed) for n in fitting)
        assert Reason.STRICT_ORDER not in reasons
