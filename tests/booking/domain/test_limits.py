"""Limits, compared with what was counted."""

from datetime import timedelta

import pytest

from booking.domain.errors import SlotUnavailableError, TooManyBookingsError
from booking.domain.limits import check_day, check_pace, check_spots
from support.booking_values import NOW, a_schedule, an_instance

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("attendance", "expired", "own", "wanted"),
    [(10, 0, 0, 1), (8, 0, 0, 3), (10, 2, 0, 3), (10, 0, 2, 3), (11, 0, 0, 1)],
)
def test_more_than_is_free_is_refused_with_what_is_left(attendance: int, expired: int, own: int, wanted: int) -> None:
    instance = an_instance(attendance=attendance, expired=expired, own=own)
    with pytest.raises(SlotUnavailableError) as refused:
        check_spots(instance, wanted)
    assert refused.value.details == {"remaining": max(0, wanted - 1)}
    if wanted > 1:
        check_spots(instance, wanted - 1)


def test_a_cancelled_event_has_no_spots() -> None:
    with pytest.raises(SlotUnavailableError):
        check_spots(an_instance(is_scheduled=False), 1)


def test_a_day_is_full_with_its_last_booking_and_without_a_limit_never() -> None:
    check_day(a_schedule(max_bookings_per_day=3), 2)
    check_day(a_schedule(), 10_000)
    with pytest.raises(SlotUnavailableError):
        check_day(a_schedule(max_bookings_per_day=3), 3)


@pytest.mark.parametrize(
    ("passed", "wait"), [(0 * SECOND, 60), (0.5 * SECOND, 60), (59.5 * SECOND, 1), (60 * SECOND, 1)]
)
def test_who_comes_too_fast_is_told_when_to_come_again(passed: timedelta, wait: int) -> None:
    schedule = a_schedule(max_bookings_per_minute=2)
    now = NOW + passed
    check_pace(schedule, [NOW, now], now=now)
    with pytest.raises(TooManyBookingsError) as refused:
        check_pace(schedule, [NOW - SECOND, NOW, now, now], now=now)
    assert refused.value.details == {"max_bookings_per_minute": 2, "retry_after": wait}
