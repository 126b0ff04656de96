"""When a booking that a webhook told of has been read well enough."""

from datetime import UTC, datetime, timedelta

import pytest

from calcom_sync.domain.marks import Mark, Verdict, is_hearsay, verdict
from calcom_sync.domain.row import Row
from support.calcom.life import BEGINNING
from support.calcom_rows import row

SAID = BEGINNING + timedelta(hours=1)
SECOND = timedelta(seconds=1)
SOON, LATE = SAID + SECOND, SAID + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("read", "now", "is_doubtful", "expected"),
    [
        (row(updated_at=SAID - SECOND), SOON, False, Verdict.SETTLED),
        (row(updated_at=SAID + SECOND), SOON, False, Verdict.SETTLED),
        (row(updated_at=SAID - 10 * SECOND), SOON, False, Verdict.AGAIN),
        (row(updated_at=SAID), SOON, True, Verdict.AGAIN),
        (row(updated_at=SAID), LATE, True, Verdict.SETTLED),
        (row(updated_at=SAID - 10 * SECOND), LATE, False, Verdict.SETTLED),
        (row(updated_at=None), SOON, False, Verdict.AGAIN),
        (None, SOON, False, Verdict.AGAIN),
        (None, LATE, False, Verdict.SETTLED),
    ],
)
def test_what_is_older_than_the_webhook_is_read_again_for_a_while(
    read: Row | None, now: datetime, is_doubtful: bool, expected: Verdict
) -> None:
    assert verdict(Mark("A", 1, SAID, SAID), read, now, is_doubtful=is_doubtful) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [(datetime.min.replace(tzinfo=UTC), Verdict.SETTLED), (datetime.max.replace(tzinfo=UTC), Verdict.AGAIN)],
)
def test_a_time_at_the_end_of_all_times_is_one_like_others(said: datetime, expected: Verdict) -> None:
    assert verdict(Mark("A", 1, said, SAID), row(updated_at=SAID), SOON, is_doubtful=False) is expected


def test_where_nothing_is_said_to_be_written_any_answer_will_do() -> None:
    mark = Mark("A", 1, None, SAID)
    assert verdict(mark, row(updated_at=None), SOON, is_doubtful=False) is Verdict.SETTLED
    assert verdict(mark, None, SOON, is_doubtful=False) is Verdict.AGAIN
    assert verdict(mark, row(updated_at=None), SOON, is_doubtful=True) is Verdict.AGAIN


def test_a_difference_that_nobody_claims_is_told_when_no_replica_can_be_behind_any_more() -> None:
    claimed, unclaimed = Mark("A", 1, SAID, SAID), Mark("A", 1, None, SAID)
    assert is_hearsay(unclaimed, SOON, is_doubtful=True)
    assert not is_hearsay(unclaimed, SOON, is_doubtful=False)
    assert not is_hearsay(unclaimed, LATE, is_doubtful=True)
    assert not is_hearsay(claimed, SOON, is_doubtful=True)
