"""Instants, and wall times in a zone.

Invariant: every instant is aware, in UTC and in whole seconds where callers give it; a wall time in the autumn fold
means its first pass, and one in the spring gap does not exist (architecture.md section 5, Time).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
LATEST = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
DAY = timedelta(days=1)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WALL = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.0+)?)?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE,
)


class NotATimeError(ValueError):
    """A text that is no time as callers write them; `rule` names what it breaks."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Span:
    """A half-open stretch of time: `end` itself is free again."""

    start: datetime
    end: datetime


def parse_date(text: str) -> date:
    """Read `YYYY-MM-DD`.

    Raises:
        NotATimeError: with a message for the caller.
    """
    if not _DATE.fullmatch(text):
        raise NotATimeError("must be a date such as 2026-02-15", "date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotATimeError("must be a date that exists", "date") from None


def parse_wall(text: str) -> time:
    """Read `HH:MM`.

    Raises:
        NotATimeError: with a message for the caller.
    """
    if not _WALL.fullmatch(text):
        raise NotATimeError("must be a time of day such as 19:30", "time")
    return time.fromisoformat(text)


def parse_wall_or_instant(text: str) -> time | datetime:
    """Read `HH:MM`, or an ISO 8601 instant with its offset, in whole seconds, into UTC.

    Raises:
        NotATimeError: with a message for the caller.
    """
    if _WALL.fullmatch(text):
        return time.fromisoformat(text)
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise NotATimeError("must be a time of day such as 19:30, or an instant such as 2026-02-15T19:30:00Z", "time")
    if match["offset"] is None:
        raise NotATimeError("must carry an offset from UTC, such as Z or +01:00", "offset")
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotATimeError("must be a date and time that exist", "time") from None
    if not EARLIEST <= instant <= LATEST:
        raise NotATimeError(f"must lie between {EARLIEST.date()} and {LATEST.date()}", "bounds")
    return instant


def time_text(given: time | datetime | None) -> str | None:
    """Write a time as callers read it: `HH:MM`, or an instant in UTC with `Z`; None stays so."""
    if given is None:
        return None
    if isinstance(given, time):
        return given.isoformat("minutes")
    return given.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def local_date(instant: datetime, zone: str) -> date:
    """Tell the calendar date of an instant in a zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def exists(day: date, wall: time, zone: str) -> bool:
    """Tell whether the clocks of a zone show a wall time on a date."""
    local = datetime.combine(day, wall, ZoneInfo(zone))
    return local.astimezone(UTC).astimezone(local.tzinfo).time() == wall


def wall_instant(day: date, wall: time, zone: str) -> datetime:
    """Answer the instant of a wall time: its first pass in a fold, the jump itself in a gap."""
    local = datetime.combine(day, wall, ZoneInfo(zone))
    if exists(day, wall, zone):
        return local.astimezone(UTC)
    # In a gap the two folds stand for instants on both sides of the jump.
    after, before = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    offset = after.astimezone(local.tzinfo).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(local.tzinfo).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def day_span(day: date, zone: str) -> Span:
    """Answer when a date of a zone begins and ends."""
    return Span(wall_instant(day, time(), zone), wall_instant(day + DAY, time(), zone))


def daily_spans(since: datetime, first: time, last: time, zone: str) -> Iterator[Span]:
    """Lay a stretch of every day out, beginning with the one that may reach into an instant; it never ends.

    Args:
        since: the instant.
        first: when the stretch begins.
        last: when it ends; on the next day, if that is not after `first`.
        zone: whose clocks these are.
    """
    day = local_date(since, zone) - DAY
    while True:
        until = day if last > first else day + DAY
        yield Span(wall_instant(day, first, zone), wall_instant(until, last, zone))
        day += DAY
