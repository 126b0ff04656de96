"""What Cal.com's statuses are in ours (scheduling.md section 2)."""

from datetime import UTC, datetime, timedelta

import pytest

from calcom_sync.domain.snapshots import Observed, observe
from calcom_sync.domain.status import GRACE, aged, deleted, is_due, standing
from slotwire_contracts import CalcomBooking, CalcomStatus
from support.calcom.life import BEGINNING
from support.calcom_rows import HALF_AN_HOUR, SOON, attendee, chain, row, view

OVER = SOON + HALF_AN_HOUR + GRACE
JUST_BEFORE = OVER - timedelta(seconds=1)
ADA, AWAY = attendee(), attendee("Ben", absent=True)


@pytest.mark.parametrize(
    ("status", "given", "now", "expected"),
    [
        ("pending", {}, BEGINNING, ("PENDING", None)),
        ("awaiting_host", {}, BEGINNING, ("PENDING", None)),
        ("pending", {}, OVER, ("PENDING", None)),
        ("accepted", {}, BEGINNING, ("CONFIRMED", None)),
        ("accepted", {"attendees": (AWAY,)}, JUST_BEFORE, ("CONFIRMED", None)),
        ("accepted", {"cancellation_reason": "Train late"}, BEGINNING, ("CONFIRMED", None)),
        ("accepted", {"attendees": (AWAY,)}, OVER, ("NO_SHOW", None)),
        ("accepted", {"attendees": (AWAY, ADA)}, OVER, ("COMPLETED", None)),
        ("accepted", {"attendees": (), "absent_host": True}, OVER, ("COMPLETED", None)),
        ("cancelled", {}, OVER, ("CANCELLED", None)),
        ("cancelled", {"cancellation_reason": "Ill"}, BEGINNING, ("CANCELLED", "Ill")),
        (
            "cancelled",
            {"rescheduled_to": "B", "cancellation_reason": "No"},
            BEGINNING,
            ("CANCELLED", "rescheduled"),
        ),
        ("cancelled", {"rescheduled_by": "a@b.example"}, BEGINNING, ("CANCELLED", "rescheduled")),
        (
            "cancelled",
            {"cancellation_reason": "Train late", "rescheduling_reason": "Train late", "rescheduled_from": "0"},
            BEGINNING,
            ("CANCELLED", None),
        ),
        ("rejected", {"cancellation_reason": "Full"}, BEGINNING, ("CANCELLED", "rejected")),
    ],
)
def test_statuses(status: str, given: dict[str, object], now: object, expected: tuple[str, str | None]) -> None:
    assert standing(row(status=status, **given), now) == expected  # type: ignore[arg-type]  # an instant


def test_a_status_that_nobody_knows_is_no_status() -> None:
    assert standing(row(status="on_hold"), BEGINNING) is None


def taken_over(**given: object) -> CalcomBooking:
    """The first snapshot of a booking."""
    seen = observe(chain(row(**given)), None, view())  # type: ignore[arg-type]  # fields of a row
    assert isinstance(seen, Observed)
    return seen.snapshot


def test_what_was_to_come_is_over_by_the_clock_alone() -> None:
    snapshot = taken_over()
    assert aged(snapshot, JUST_BEFORE) == snapshot
    assert aged(snapshot, OVER).status is CalcomStatus.COMPLETED
    assert aged(taken_over(attendees=(AWAY,)), OVER).status is CalcomStatus.NO_SHOW
    assert aged(taken_over(status="pending"), OVER).status is CalcomStatus.PENDING
    assert not is_due(snapshot, JUST_BEFORE)
    assert is_due(snapshot, OVER)
    assert not is_due(aged(snapshot, OVER), OVER)


def test_what_was_deleted_is_cancelled_unless_it_was() -> None:
    gone = deleted(taken_over())
    assert (gone.status, gone.status_reason) == (CalcomStatus.CANCELLED, "deleted")
    assert deleted(gone) is gone
    rejected = taken_over(status="rejected")
    assert deleted(rejected) is rejected


def test_a_time_at_the_end_of_all_times_is_a_time() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert standing(row(end=last), BEGINNING) == (CalcomStatus.CONFIRMED, None)
    seen = observe(chain(row(end=last)), None, view())
    assert isinstance(seen, Observed)
    assert aged(seen.snapshot, BEGINNING) == seen.snapshot
    first = datetime.min.replace(tzinfo=UTC)
    assert isinstance(observe(chain(row(start=first, end=first + HALF_AN_HOUR / 3)), None, view()), Observed)
