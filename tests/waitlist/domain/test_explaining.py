"""Why an entry is offered nothing: each reason has a rule and what would change it, and is the match's own."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from waitlist.domain.candidates import Candidate
from waitlist.domain.choosing import SENTENCES, Reason
from waitlist.domain.explaining import RULES, Also, Because, Rule, Situation, alone, explain
from waitlist.domain.passing import Pass, Passed
from waitlist.domain.policy import Policy, Way
from waitlist.domain.refusing import Refusal, Refusals
from waitlist.domain.told import EventInstance, Location
from waitlist.domain.visits import Facts, Gone, Place, Spots, Tables

NOON = datetime(2026, 12, 21, 12, tzinfo=UTC)
NOW = NOON - timedelta(days=1)
VISIT = timedelta(minutes=90)
ONE = Policy(offer_minutes=15)
STRICT = Policy(offer_minutes=15, strict_order=True)
HERS = Candidate("hers", 4)
NOTHING = Passed()


def tables(*sizes: int, location: Location | None = None) -> Tables:
    """A table at noon for parties of some sizes."""
    free = {(size, 90): [Place(NOON, NOON + VISIT)] for size in sizes}
    return Tables(location or Location("loc", "UTC"), date(2026, 12, 21), free)


def spots(left: int) -> Spots:
    """An event instance with so many spots left."""
    return Spots(EventInstance("ins", "svc", "Yoga", NOON, NOON + VISIT, "UTC", 10, left, cancelled=False), left)


def why(
    queue: Sequence[Candidate],
    facts: Facts,
    policy: Policy = ONE,
    passed: Passed = NOTHING,
    now: datetime = NOW,
) -> list[Because]:
    """Explain hers."""
    return explain("hers", Situation(queue, passed, None, facts, policy), now=now)


@pytest.mark.parametrize("code", [*Reason, *Also])
def test_every_reason_is_told_with_its_rule_and_what_would_change_it(code: Reason | Also) -> None:
    told = Because(code)
    assert told.sentence
    assert told.rule in Rule
    assert told.remedy
    assert set(RULES) == {*Reason, *Also}
    assert set(SENTENCES) == set(Reason)


@pytest.mark.parametrize(
    ("queue", "facts", "policy", "code", "details"),
    [
        ([HERS], tables(4), ONE, Also.ITS_TURN, {}),
        ([Candidate("a", 2), Candidate("b", 9), HERS], tables(2, 4), ONE, Reason.BEHIND, (2, 1)),
        ([Candidate("b", 9), HERS], tables(4), STRICT, Reason.STRICT_ORDER, (1, 0)),
        ([HERS], spots(3), ONE, Reason.TOO_FEW_SPOTS, {"partySize": 4, "spotsLeft": 3}),
        ([HERS], Gone(), ONE, Reason.CANCELLED, {}),
        ([HERS], tables(4, location=Location("loc", "UTC", weekly_hours={})), ONE, Reason.CLOSED, {}),
        ([Candidate("hers", 4, converting=True)], tables(4), ONE, Reason.CONVERTING, {}),
        (
            [Candidate("hers", 4, bookable=False)],
            tables(4),
            Policy(way=Way.AUTO_CONVERT, offer_minutes=15),
            Reason.UNREACHABLE,
            {},
        ),
    ],
)
def test_the_reason_is_the_one_for_which_a_match_passes_it_over(
    queue: Sequence[Candidate], facts: Facts, policy: Policy, code: Reason | Also, details: Any
) -> None:
    if isinstance(details, tuple):
        details = {"ahead": details[0], "aheadWhomItFits": details[1]}
    assert why(queue, facts, policy) == [Because(code, details)]


def test_a_party_that_is_only_too_large_is_told_so() -> None:
    needed = {"from": "2026-12-21T00:00:00Z", "to": "2026-12-22T00:00:00Z", "minutes": 90}
    assert alone(HERS).party_size == 1
    assert why([HERS], tables(1)) == [
        Because(Reason.NOTHING_FREE, needed),
        Because(Also.PARTY_TOO_LARGE, {"partySize": 4}),
    ]
    assert why([HERS], tables()) == [Because(Reason.NOTHING_FREE, needed)]


def test_past_the_cut_off_is_told_with_it() -> None:
    early = Policy(offer_minutes=15, cutoff_minutes=60)
    told = why([HERS], spots(9), early, now=NOON - timedelta(minutes=60))
    assert told == [Because(Reason.TOO_LATE, {"cutoffMinutes": 60})]
    assert why([HERS], spots(9), early, now=NOON - timedelta(minutes=61)) == [Because(Also.ITS_TURN)]


def test_who_let_it_go_is_told_which_one() -> None:
    queue = [HERS, Candidate("b", 4)]
    told = why(queue, tables(4), passed=Passed([Pass("hers", Place(NOON, NOON + timedelta(minutes=90)), "wlo")]))
    assert told == [Because(Reason.LET_GO, {"startTimes": ["2026-12-21T12:00:00Z"]})]
    declined = Passed([Pass("hers", Place(NOON, NOON + timedelta(minutes=90)), "wlo", declined=True)])
    told = why([HERS], tables(4), passed=declined)
    assert told == [Because(Reason.LET_GO_FOR_GOOD, {"startTimes": ["2026-12-21T12:00:00Z"]})]
    assert told[0].rule is Rule.NOT_ASKED_AGAIN


EVENING = Place(NOON + timedelta(hours=8), NOON + timedelta(hours=8) + VISIT)


def test_what_booking_refused_is_told_of_what_is_free_now() -> None:
    booked = Refusal("hers", Place(NOON, NOON + VISIT), "already_booked", "has a booking")
    wrong = Refusal("hers", EVENING, "validation_failed", "must be shorter")
    others = Refusal("b", Place(NOON, NOON + VISIT), "outside_availability", "is closed")
    later = Refusal("hers", EVENING, "outside_availability", "is closed")

    def why_not(*refused: Refusal, passed: Passed = NOTHING, free: Facts | None = None) -> list[Because]:
        situation = Situation([HERS], passed, None, free or tables(4), ONE, Refusals(refused))
        return explain("hers", situation, now=NOW)

    for refused in ([booked, later, others], [wrong, booked], [later, booked]):
        assert why_not(*refused) == [Because(Reason.REFUSED, {"refusal": "already_booked", "message": "has a booking"})]
    both = Tables(Location("loc", "UTC"), date(2026, 12, 21), {(4, 90): [Place(NOON, NOON + VISIT), EVENING]})
    declined = Passed([Pass("hers", Place(NOON, NOON + VISIT), "wlo", declined=True)])
    told = why_not(booked, later, passed=declined, free=both)
    assert told == [Because(Reason.REFUSED, {"refusal": "outside_availability", "message": "is closed"})]
