"""When waiting ends by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.waitlist_values import BERLIN, DAY, FULL, TOLD, YOGA, a_request, an_event_request, drafted
from waitlist.domain.closing import closed, over
from waitlist.domain.entry import Entry
from waitlist.domain.errors import InvalidTransitionError
from waitlist.domain.happening import Removed
from waitlist.domain.joining import Told
from waitlist.domain.policy import Policy
from waitlist.domain.status import Status

POLICY = Policy(offer_minutes=15)
SECOND = timedelta(seconds=1)
DAY_ENDS = datetime(2026, 12, 24, 23, tzinfo=UTC)  # in Berlin
EXPIRED, CALLED_OFF = Removed("expired"), Removed("event_cancelled")


def table(**fields: Any) -> Entry:
    return replace(drafted(a_request()), **fields)


def spot(**fields: Any) -> Entry:
    return replace(drafted(an_event_request(), FULL), **fields)


def test_waiting_for_a_date_ends_with_it_where_it_is() -> None:
    """Architecture, section 6: «EXPIRED (date or cut-off passed)»"""
    assert table().requested_date == DAY
    assert over(table(), TOLD, POLICY, now=DAY_ENDS - SECOND) is None
    assert over(table(), TOLD, POLICY, now=DAY_ENDS) == EXPIRED


def test_who_would_come_until_some_time_waits_until_then() -> None:
    for end in (DAY_ENDS - timedelta(hours=5), DAY_ENDS + timedelta(hours=2)):
        assert over(table(window_end=end), TOLD, POLICY, now=end - SECOND) is None
        assert over(table(window_end=end), TOLD, POLICY, now=end) == EXPIRED


def test_waiting_ends_at_the_cut_off() -> None:
    policy = replace(POLICY, cutoff_minutes=90)
    for entry, told, start in ((table(), TOLD, DAY_ENDS), (spot(), FULL, YOGA.start_time)):
        cut_off = start - timedelta(minutes=90)
        assert over(entry, told, policy, now=cut_off - SECOND) is None
        assert over(entry, told, policy, now=cut_off) == EXPIRED


def test_waiting_for_an_event_ends_when_it_starts() -> None:
    assert over(spot(), FULL, POLICY, now=YOGA.start_time - SECOND) is None
    assert over(spot(), FULL, POLICY, now=YOGA.start_time) == EXPIRED


@pytest.mark.parametrize("told", [Told(), Told(instance=replace(YOGA, cancelled=True))])
def test_waiting_for_an_event_ends_when_it_does_not_take_place(told: Told) -> None:
    """«REMOVED only by guest, staff or a cancelled event»"""
    assert over(spot(), told, POLICY, now=YOGA.start_time - timedelta(days=3)) == CALLED_OFF


def test_of_a_location_that_is_gone_a_date_ends_when_it_is_over_everywhere() -> None:
    last = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert over(table(), Told(), POLICY, now=last - SECOND) is None
    assert over(table(), Told(), POLICY, now=last) == EXPIRED


@pytest.mark.parametrize("status", set(Status) - {Status.WAITING})
def test_who_is_offered_something_is_asked_first_and_who_does_not_wait_is_left_alone(status: Status) -> None:
    late = YOGA.start_time + timedelta(days=90)
    assert over(spot(status=status), FULL, POLICY, now=late) is None
    assert over(table(status=status), Told(location=BERLIN), POLICY, now=late) is None


def test_it_expires_or_is_removed() -> None:
    assert closed(table(), EXPIRED).status is Status.EXPIRED
    assert closed(spot(), CALLED_OFF).status is Status.REMOVED
    with pytest.raises(InvalidTransitionError):
        closed(table(status=Status.CONVERTED), EXPIRED)
