"""The sums of a run."""

from hypothesis import given
from hypothesis import strategies as st

from calcom_sync.domain.chains import Chain
from calcom_sync.domain.counting import SKIPPED, SYNCED, Outcome, Tally, news, outcomes
from slotwire_contracts import CalcomOutcome
from support.calcom_rows import chain, row


def test_the_current_row_stands_for_its_chain() -> None:
    whole = chain(row("A", status="cancelled"), row("B"))
    assert outcomes(whole, Outcome.CREATED) == {"A": Outcome.SUPERSEDED, "B": Outcome.CREATED}
    unread = Chain("A", ("A", "B"), (row("A"),))
    assert outcomes(unread, Outcome.SUPERSEDED) == {"A": Outcome.SUPERSEDED}
    gone = Chain("A", ("A", "B"), (row("A"),), is_gone=True)
    assert outcomes(gone, Outcome.UPDATED) == {"A": Outcome.SUPERSEDED, "B": Outcome.UPDATED}


def test_every_answer_of_bookings_is_an_outcome() -> None:
    assert {Outcome(answer.value) for answer in CalcomOutcome} <= SYNCED | SKIPPED


@given(st.lists(st.lists(st.sampled_from(Outcome))))
def test_synced_and_skipped_and_failed_are_what_was_fetched(batches: list[list[Outcome]]) -> None:
    tally = Tally()
    for batch in batches:
        tally = tally.adding(batch)
    assert tally.fetched == sum(len(batch) for batch in batches) == tally.synced + tally.skipped + tally.failed
    assert sum(tally.details.values()) == tally.fetched
    assert 0 not in tally.details.values()


def test_what_was_found_last_stands_but_for_what_booking_has_to_tell() -> None:
    before = {"a": Outcome.UNCHANGED, "b": None, "c": None, "d": Outcome.STALE}
    found = {"a": None, "b": Outcome.UNCHANGED, "c": Outcome.SUPERSEDED, "d": Outcome.STALE, "e": Outcome.INVALID}
    assert news(before, found, ()) == {"a": None, "e": Outcome.INVALID}


def test_what_booking_was_told_of_is_superseded_when_it_is_told_of_the_chain_again() -> None:
    before = {"a": Outcome.SUPERSEDED, "b": None}
    assert news(before, {"c": None}, ("a", "b", "c")) == {"b": Outcome.SUPERSEDED, "c": None}
    assert news(before, {"b": None}, ("a", "b")) == {}


def test_what_is_counted_otherwise_now_is_counted_once() -> None:
    tally = Tally().adding([Outcome.STALE, Outcome.STALE, Outcome.UNCHANGED])
    assert tally.without([Outcome.STALE]).adding([Outcome.SUPERSEDED]).details == {
        "unchanged": 1,
        "stale": 1,
        "superseded": 1,
    }
