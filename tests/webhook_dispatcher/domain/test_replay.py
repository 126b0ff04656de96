"""Which types a replay is after, and which ranges can be asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from webhook_dispatcher.domain.errors import ValidationFailedError
from webhook_dispatcher.domain.events import expand
from webhook_dispatcher.domain.replay import (
    MAX_FAILURES,
    BoundedCount,
    ReplayKind,
    ReplayOrder,
    check_replay,
    pause_after,
    wanted_types,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def order(events: tuple[str, ...] | None = None, *, dry_run: bool = False) -> ReplayOrder:
    return ReplayOrder(ReplayKind.REPLAY, NOW - HOUR, NOW, events, dry_run)


@pytest.mark.parametrize(
    ("asked", "subscribed", "wanted"),
    [
        (order(), ["reservation.late"], ["reservation.late"]),
        (order(dry_run=True), ["reservation.late"], ["reservation.late"]),
        (order(("*",)), ["reservation.late"], ["reservation.late"]),
        (order(("reservation.late", "reservation.seated")), ["*"], ["reservation.late", "reservation.seated"]),
        (order(("reservation.seated",)), ["reservation.late"], []),
        (order(("reservation.seated",), dry_run=True), ["reservation.late"], ["reservation.seated"]),
    ],
)
def test_a_replay_narrows_and_only_a_dry_run_widens(
    asked: ReplayOrder, subscribed: list[str], wanted: list[str]
) -> None:
    assert wanted_types(asked, subscribed) == expand(wanted)


def test_the_names_of_the_fields_are_those_of_the_request() -> None:
    for kind, first, last in ((ReplayKind.REPLAY, "from", "to"), (ReplayKind.RECOVER, "since", "until")):
        for asked, param in (
            (ReplayOrder(kind, NOW + HOUR, NOW), first),
            (ReplayOrder(kind, NOW - HOUR, NOW - HOUR), last),
        ):
            with pytest.raises(ValidationFailedError) as refused:
                check_replay(asked, ["*"], NOW)
            assert [flaw.param for flaw in refused.value.flaws] == [param]


def test_what_was_counted_up_to_a_bound_says_so() -> None:
    assert [BoundedCount.bounded(found, 2) for found in (0, 2, 3)] == [
        BoundedCount(0, more=False),
        BoundedCount(2, more=False),
        BoundedCount(2, more=True),
    ]


def test_a_job_whose_steps_fail_rests_longer_each_time_and_is_given_up_after_an_hour() -> None:
    pauses = [pause_after(failures) for failures in range(1, MAX_FAILURES)]
    assert pauses[:3] == [timedelta(seconds=seconds) for seconds in (3, 6, 12)]
    assert pauses[-1] == timedelta(minutes=5)
    assert HOUR <= sum((pause for pause in pauses if pause is not None), timedelta()) <= HOUR * 1.5
    assert pause_after(MAX_FAILURES) is None
