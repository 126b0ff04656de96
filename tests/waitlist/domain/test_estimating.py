"""How long an entry probably waits: the median of those who joined at a place like its own, if there are enough."""

from dataclasses import replace

import pytest

from support.waitlist_values import a_request, drafted
from waitlist.domain.entry import Placed
from waitlist.domain.estimating import ENOUGH, Past, estimated
from waitlist.domain.status import Status

ENTRY = drafted(a_request())


def wait(position: int | None, *past: Past, status: Status = Status.WAITING) -> int | None:
    """Estimate."""
    return estimated(Placed(replace(ENTRY, status=status), position), past).wait_minutes


def test_it_is_the_median_in_whole_minutes() -> None:
    assert wait(1, *(Past(1, minutes) for minutes in (5, 600, 10.2, 30, 7))) == 11


@pytest.mark.parametrize(("position", "alike"), [(1, [1]), (2, [2, 3]), (3, [2, 3]), (4, [4, 7]), (8, [8, 15])])
def test_only_those_count_who_joined_at_a_place_like_its_own(position: int, alike: list[int]) -> None:
    others = [place for place in range(1, 20) if place not in range(min(alike), max(alike) + 1)]
    past = [Past(place, 10) for place in alike for _ in range(ENOUGH)] + [Past(place, 999) for place in others]
    assert wait(position, *past) == 10


def test_too_little_history_tells_nothing() -> None:
    assert wait(1, *[Past(1, 10)] * (ENOUGH - 1), *[Past(2, 10)] * ENOUGH) is None
    assert wait(1) is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.WAITING}))
def test_who_does_not_wait_is_told_nothing(status: Status) -> None:
    assert wait(1, *[Past(1, 10)] * ENOUGH, status=status) is None
