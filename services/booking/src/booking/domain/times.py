"""Instants and spans.

Invariant: a span that passed `check_span` can be stored: whole seconds, inside the bounds, end after start
(architecture.md section 5).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.domain.errors import Flaws

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
LATEST = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
LONGEST = timedelta(days=31)
LONGEST_BUFFER = timedelta(days=1)
_BOUNDS = f"must lie between {EARLIEST.date()} and {LATEST.date()}, buffers included"

_INSTANT = re.compile(
    r"(?P<wall>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)(?P<fraction>\.[0-9]+)?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)


class NotATimeError(ValueError):
    """A text that is no instant, or no date, as callers write them; `rule` names what it breaks."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Span:
    """A half-open stretch of time: `end` itself is free again."""

    start: datetime
    end: datetime


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset, in whole seconds, into UTC.

    Raises:
        NotATimeError: with a message for the caller.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise NotATimeError("must be an ISO 8601 instant such as 2026-02-15T10:00:00Z", "instant")
    if match["offset"] is None:
        raise NotATimeError("must carry an offset from UTC, such as Z or +01:00", "offset")
    if match["fraction"] is not None and match["fraction"].strip(".0"):
        raise NotATimeError("must be a whole second", "whole_second")
    try:
        return datetime.fromisoformat((match["wall"] + match["offset"]).upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotATimeError("must be a date and time that exist", "instant") from None


def parse_instant_or_date(text: str) -> datetime | date:
    """Read an instant, or a bare `YYYY-MM-DD`.

    Raises:
        NotATimeError: with a message for the caller.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return parse_instant(text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotATimeError("must be a date that exists", "date") from None


def instant_text(instant: datetime) -> str:
    """Write an instant in UTC, in whole seconds, with `Z` (api.md section 2)."""
    return instant.astimezone(UTC).isoformat()[: len("2026-02-15T10:00:00")] + "Z"


def epoch_seconds(instant: datetime) -> int:
    """Count an instant's whole seconds since 1970, as occupancy stores them."""
    return int(instant.timestamp())


def local_date(instant: datetime, zone: str) -> date:
    """Tell the calendar date of an instant in a zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def check_span(span: Span, *, before_minutes: int = 0, after_minutes: int = 0) -> Span:
    """Answer the span with its buffers, the one that is stored.

    Raises:
        ValidationFailedError: the end is not after the start, it is longer than 31 days, or with its buffers it leaves
            1970-01-02 to 2199-12-31.
    """
    flaws = Flaws()
    if span.end <= span.start:
        flaws.add("end_time", "must be after start_time", "after_start")
    if span.end - span.start > LONGEST:
        flaws.add("end_time", f"must be at most {LONGEST.days} days after start_time", "max_duration")
    # Compared by what is left to the bound: adding a buffer first could leave the range of datetime itself.
    if span.start - EARLIEST < timedelta(minutes=before_minutes):
        flaws.add("start_time", _BOUNDS, "bounds")
    if LATEST - span.end < timedelta(minutes=after_minutes):
        flaws.add("end_time", _BOUNDS, "bounds")
    flaws.tell()
    return Span(span.start - timedelta(minutes=before_minutes), span.end + timedelta(minutes=after_minutes))
