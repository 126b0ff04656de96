"""Marks: which bookings are to be read again, since a webhook told of them, and when that has been done.

Cal.com reads from a replica, so what is read right after a webhook may be older than what it tells of.

Invariant: a mark stays until an answer is no older than the webhook, or a replica cannot be that late any more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from calcom_sync.domain.chains import REPLICA_LAG
from calcom_sync.domain.row import Row

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 240, 600))
"""How long after a reading another one follows, if one must; the last again and again."""

RESTS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
"""How long an organization's marks are left alone when nothing could be read, after so many failures in a row; the last
again and again."""

KEPT = timedelta(days=1)
"""How long a mark is kept that could not be settled: a sync has found by then what it is about."""

_AT_ONCE = timedelta(seconds=5)  # what may pass at Cal.com between writing a booking and writing the webhook


@dataclass(frozen=True, slots=True)
class Mark:
    """A booking that is to be read again.

    Attributes:
        times: how often it was told of; what was read settles no more than that.
        said_at: the latest time, by Cal.com's clock, at which it is said to have been written; None if none is said.
        heard_at: when it was told of last.
    """

    uid: str
    times: int
    said_at: datetime | None
    heard_at: datetime


class Verdict(StrEnum):
    """What becomes of a mark after a reading."""

    SETTLED = "settled"
    AGAIN = "again"


def is_patient(mark: Mark, now: datetime) -> bool:
    """Tell whether what was told of may still be on its way to where it is read."""
    return now - mark.heard_at < REPLICA_LAG


def verdict(mark: Mark, row: Row | None, now: datetime, *, is_doubtful: bool) -> Verdict:
    """Tell whether a booking has to be read again.

    Args:
        mark: its mark.
        row: what was read; None if Cal.com did not have it.
        now: the current instant.
        is_doubtful: what was read differs from what was known, though Cal.com gives no later time of its writing. Who
            came, and who gave a seat back, is never written with one; and a replica that is late looks just like that.
    """
    is_certain = row is not None and not is_doubtful and _is_as_new(row, mark.said_at)
    return Verdict.SETTLED if is_certain or not is_patient(mark, now) else Verdict.AGAIN


def is_hearsay(mark: Mark, now: datetime, *, is_doubtful: bool) -> bool:
    """Tell whether what was read is not to be told yet: nobody says that anything was written, nor when."""
    return is_doubtful and mark.said_at is None and is_patient(mark, now)


def _is_as_new(row: Row, said_at: datetime | None) -> bool:
    if said_at is None:
        return True
    return row.updated_at is not None and said_at - row.updated_at <= _AT_ONCE  # a time can be too early to reckon with
