"""The days on which the clocks of a zone are put forward or back."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


def clock_changes(zone: str, year: int) -> list[date]:
    """The local days of a year on which the zone's offset changes."""
    where = ZoneInfo(zone)
    noons = [datetime(year, 1, 1, 12, tzinfo=where) + timedelta(days=days) for days in range(366)]
    return [after.date() for before, after in pairwise(noons) if before.utcoffset() != after.utcoffset()]
