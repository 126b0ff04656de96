"""Instants as texts, thousands at a time.

Invariant: what is told is what `datetime.isoformat` tells; but a month has few dates, times of day and offsets, so that
each of these is written once.
"""

from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

_DAY = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Told:
    """Writes epoch seconds in UTC and in a zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._of_day = cache(self._all_day)

    def utc(self, second: int) -> str:
        """Write an instant in UTC, with `Z`."""
        return f"{_wall(second)}Z"

    def local(self, second: int) -> str:
        """Write an instant in the zone, with its offset from UTC then."""
        east, text = self._of_day(second // _DAY) or self._offset(second)
        return f"{_wall(second + east)}{text}"

    def _all_day(self, day: int) -> tuple[int, str] | None:
        """Answer the offset of a day in UTC; None when it changes on that day."""
        first, last = self._offset(day * _DAY), self._offset(day * _DAY + _DAY - 1)
        return first if first == last else None

    def _offset(self, second: int) -> tuple[int, str]:
        local = datetime.fromtimestamp(second, self._zone)
        east = (local.utcoffset() or timedelta()).total_seconds()
        return int(east), local.isoformat()[len("2026-02-15T10:00:00") :]


def _wall(second: int) -> str:
    day, rest = divmod(second, _DAY)
    return f"{_date(day)}T{_time(rest)}"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


@lru_cache(maxsize=4096)
def _time(second: int) -> str:
    return time(second // 3600, second // 60 % 60, second % 60).isoformat()
