"""The status machine of entries."""

from itertools import product

import pytest

from slotwire_contracts import WaitlistStatus
from waitlist.domain.errors import InvalidTransitionError
from waitlist.domain.status import LIVE, TRANSITIONS, Status, check_transition

EDGES = {
    ("waiting", "notified"),
    ("waiting", "converted"),
    ("waiting", "expired"),
    ("waiting", "removed"),
    ("notified", "waiting"),
    ("notified", "converted"),
    ("notified", "expired"),
    ("notified", "removed"),
}


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(Status, Status) if pair[0] is not pair[1]])
def test_a_status_changes_along_the_edges_alone(before: Status, after: Status) -> None:
    """architecture.md section 6: "WAITING -> NOTIFIED, CONVERTED, EXPIRED", "NOTIFIED -> CONVERTED, WAITING, EXPIRED";
    and both are removed by guest, staff or a cancelled event.
    """
    if (before.value, after.value) in EDGES:
        check_transition(before, after)
        return
    with pytest.raises(InvalidTransitionError) as refused:
        check_transition(before, after)
    assert refused.value.details == {"fromStatus": before.value, "toStatus": after.value}


def test_the_message_reads_well() -> None:
    with pytest.raises(InvalidTransitionError, match=r"^an expired entry cannot become removed$"):
        check_transition(Status.EXPIRED, Status.REMOVED)
    with pytest.raises(InvalidTransitionError, match=r"^a converted entry cannot become removed$"):
        check_transition(Status.CONVERTED, Status.REMOVED)


def test_live_is_what_has_a_place() -> None:
    assert {Status.WAITING, Status.NOTIFIED} == LIVE
    assert TRANSITIONS.keys() == set(Status)
    assert [status.value for status in Status] == [status.value for status in WaitlistStatus]
