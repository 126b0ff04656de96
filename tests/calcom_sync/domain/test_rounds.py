"""When periodic runs are due, and which."""

from dataclasses import replace
from datetime import timedelta

import pytest

from calcom_sync.domain.rounds import DAY, Due, Last, Rounds, Whole, due, is_known
from calcom_sync.domain.run import RunKind, RunState
from support.calcom.life import BEGINNING as NOW

MINUTE = timedelta(minutes=1)
INTERVAL = 5 * MINUTE
INCREMENTAL, RECONCILE = RunKind.INCREMENTAL, RunKind.RECONCILE


def pause(failures: int, noise: float) -> float:
    assert 0 <= noise < 1
    return 600.0 * failures


def asked(rounds: Rounds, minutes: float) -> RunKind | None:
    """What is due so many minutes after the last run ended."""
    found = due(rounds, NOW + minutes * MINUTE, pause)
    return None if found is None else found.kind


def rounds(kind: RunKind = INCREMENTAL, state: RunState = RunState.COMPLETED, **fields: object) -> Rounds:
    """A run has ended now that was begun a minute ago, and all was compared an hour before that."""
    given = {
        "interval": INTERVAL,
        "settings_at": NOW - DAY,
        "last": Last("run_1", kind, state, NOW - MINUTE, NOW),
        "last_settings_at": NOW - DAY,
        "reconciled_at": NOW - timedelta(hours=1),
    }
    return Rounds(**given | fields)  # type: ignore[arg-type]  # each has its own type


def test_the_first_one_compares_all_that_is_near() -> None:
    found = due(Rounds(interval=INTERVAL, settings_at=NOW), NOW, pause)
    assert found == Due(RECONCILE, 0, None)
    window = found.window(NOW)
    assert (window.start, window.end) == (NOW - timedelta(days=30), NOW + timedelta(days=90))
    assert Due(INCREMENTAL, 0, NOW).window(NOW).start is None


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING])
def test_nothing_is_due_while_one_waits_or_is_under_way(state: RunState) -> None:
    waiting = rounds(last=Last("run_1", INCREMENTAL, state, NOW, None), last_settings_at=NOW)
    assert asked(waiting, 10_000) is None


def test_what_changed_is_read_in_the_interval_from_begin_to_begin() -> None:
    assert [asked(rounds(), minutes) for minutes in (0, 3.9, 4)] == [None, None, INCREMENTAL]


def test_once_a_day_all_that_is_near_is_compared() -> None:
    assert asked(rounds(), 23 * 60 - 1) is INCREMENTAL
    assert asked(rounds(), 23 * 60) is RECONCILE
    assert due(rounds(RECONCILE), NOW + DAY - 2 * MINUTE, pause) == Due(INCREMENTAL, 0, NOW - MINUTE)
    assert due(rounds(RECONCILE), NOW + DAY, pause) == Due(RECONCILE, 0, NOW - MINUTE)


def test_a_comparison_that_failed_is_still_due() -> None:
    failed = rounds(RECONCILE, RunState.FAILED, reconciled_at=NOW - DAY)
    assert due(failed, NOW + 30 * MINUTE, pause) == Due(RECONCILE, 1, NOW - DAY)


def test_who_fails_rests_ever_longer_and_never_less_than_the_interval() -> None:
    failed = rounds(state=RunState.FAILED)
    assert [asked(failed, minutes) for minutes in (9, 10)] == [None, INCREMENTAL]
    again = replace(failed, failures=2)
    assert [asked(again, minutes) for minutes in (29, 30)] == [None, INCREMENTAL]
    found = due(again, NOW + 30 * MINUTE, pause)
    assert found is not None
    assert found.failures == 3
    slow = replace(failed, interval=60 * MINUTE)
    assert [asked(slow, minutes) for minutes in (58, 59)] == [None, INCREMENTAL]
    assert due(rounds(failures=2), NOW + 4 * MINUTE, pause) == Due(INCREMENTAL, 0, NOW - timedelta(hours=1))


def test_changed_settings_have_all_compared_at_once_whatever_failed_before() -> None:
    changed = rounds(state=RunState.FAILED, failures=7, settings_at=NOW)
    assert due(changed, NOW, pause) == Due(RECONCILE, 0, None)
    same = rounds(RECONCILE, settings_at=NOW, last_settings_at=NOW)
    assert asked(same, 0) is None


def test_all_is_known_that_was_read_whole_under_the_same_settings() -> None:
    whole = Whole(begun_at=NOW, settings_at=NOW - DAY)
    assert is_known(whole, NOW - DAY, NOW + MINUTE)
    assert not is_known(whole, NOW, NOW + MINUTE)
    assert not is_known(None, NOW - DAY, NOW)


def test_all_is_known_for_a_day() -> None:
    whole = Whole(begun_at=NOW, settings_at=NOW)
    assert [is_known(whole, NOW, NOW + DAY - late) for late in (MINUTE, 0 * MINUTE)] == [True, False]
