"""Which days can be compared with each other, and how losses add up."""

from datetime import date

import pytest

from webhook_dispatcher.domain.ledger import DayAccount, unaccounted, whole_runs


@pytest.mark.parametrize(
    ("days", "restored_days", "until", "runs"),
    [
        ([], [], None, []),
        ([1, 2, 5], [], None, [[1, 2, 5]]),
        ([3, 4, 7], [], 2, [[3, 4, 7]]),
        ([1, 3, 4], [], 2, [[1], [3, 4]]),
        ([1, 2, 4, 5], [2], 3, [[1], [4, 5]]),
        ([1, 2, 5, 8], [], 4, [[1, 2], [5, 8]]),
        ([1, 2, 3], [1, 2, 3], 3, []),
    ],
)
def test_days_follow_each_other_where_none_between_was_dropped(
    days: list[int], restored_days: list[int], until: int | None, runs: list[list[int]]
) -> None:
    def on(number: int) -> date:
        return date(2026, 11, number)

    found = whole_runs(
        [on(one) for one in days], {on(one) for one in restored_days}, None if until is None else on(until)
    )
    assert [[one.day for one in run] for run in found] == runs


def test_a_loss_counts_once_however_it_shows() -> None:
    days = [DayAccount(events=1, deliveries=2, skipped=1), DayAccount(events=0, deliveries=0, skipped=2)]
    assert unaccounted(days, 0) == 2 + 3
    assert unaccounted(days, 5) == 2 + 6
    assert unaccounted([], 0) == 0
