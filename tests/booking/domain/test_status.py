"""The status machine, edge by edge (architecture.md section 5)."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from booking.domain.errors import InvalidTransitionError
from booking.domain.status import OCCUPYING, TERMINAL, Status, check_transition

START = datetime(2026, 6, 1, 19, tzinfo=UTC)
AFTER = START + timedelta(minutes=20)

# Written out a second time, as the page has it: a wrong edge in the code must not be able to explain itself.
EDGES = {
    "PENDING": "CONFIRMED DECLINED CANCELLED",
    "CONFIRMED": "PENDING LATE PARTIALLY_SEATED SEATED COMPLETED CANCELLED NO_SHOW",
    "LATE": "PARTIALLY_SEATED SEATED CANCELLED NO_SHOW",
    "PARTIALLY_SEATED": "SEATED COMPLETED",
    "SEATED": "COMPLETED",
    "NO_SHOW": "CONFIRMED SEATED",
    "COMPLETED": "",
    "CANCELLED": "",
    "DECLINED": "",
}
NEED_CORRECTION = {("CONFIRMED", "PENDING"), ("NO_SHOW", "CONFIRMED"), ("NO_SHOW", "SEATED")}
SEED_EDGES = {
    "PENDING": {"CONFIRMED", "CANCELLED"},
    "CONFIRMED": {"COMPLETED", "CANCELLED", "NO_SHOW"},
    "COMPLETED": set(),
    "CANCELLED": set(),
    "NO_SHOW": set(),
}


def allowed(before: str, after: str, *, correction: bool = False, now: datetime = AFTER) -> bool:
    try:
        check_transition(Status(before), Status(after), start=START, now=now, correction=correction)
    except InvalidTransitionError:
        return False
    return True


@pytest.mark.parametrize(("before", "after"), list(product(EDGES, EDGES)))
def test_a_status_moves_along_the_edges_of_the_page_and_no_others(before: str, after: str) -> None:
    there_is_an_edge = after in EDGES[before].split()
    assert allowed(before, after, correction=True) is there_is_an_edge
    assert allowed(before, after) is (there_is_an_edge and (before, after) not in NEED_CORRECTION)


@pytest.mark.parametrize(("before", "after"), list(product(SEED_EDGES, SEED_EDGES)))
def test_without_correction_the_seeds_five_statuses_move_exactly_as_the_seed_says(before: str, after: str) -> None:
    assert allowed(before, after) is (after in SEED_EDGES[before])


@pytest.mark.parametrize("before", ["CONFIRMED", "LATE"])
def test_no_show_before_the_start_is_refused(before: str) -> None:
    assert not allowed(before, "NO_SHOW", now=START - timedelta(seconds=1))
    assert allowed(before, "NO_SHOW", now=START)


def test_a_refusal_tells_both_statuses() -> None:
    with pytest.raises(InvalidTransitionError) as refused:
        check_transition(Status.COMPLETED, Status.CONFIRMED, start=START, now=AFTER, correction=True)
    assert refused.value.code == "invalid_status_transition"
    assert refused.value.details == {"from_status": "COMPLETED", "to_status": "CONFIRMED"}


def test_what_is_terminal_and_what_occupies() -> None:
    assert {"COMPLETED", "CANCELLED", "DECLINED"} == TERMINAL
    assert {"PENDING", "CONFIRMED", "LATE", "PARTIALLY_SEATED", "SEATED"} == OCCUPYING
