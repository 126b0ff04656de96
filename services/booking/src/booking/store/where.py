"""Conditions of lists as SQL.

Invariant: what is None filters nothing; the parameters are numbered in the order of the conditions.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from booking.domain.times import EARLIEST, LATEST

_DAY = timedelta(days=1)
Condition = tuple[str, object]
"""A column with its comparison, `start_time >=`, and the value to compare with."""


def joined(*asked: Condition, first: int = 1) -> tuple[str, list[object]]:
    """Answer a WHERE clause and the values of its parameters.

    Args:
        asked: the conditions, all of which are to hold.
        first: the number of the first parameter.
    """
    given = [(condition, value) for condition, value in asked if value is not None]
    where = " AND ".join(f"{condition} ${number}" for number, (condition, _) in enumerate(given, first))
    return where, [value for _, value in given]


def starting(
    since: date | datetime | None, until: date | datetime | None, *, local_date: str = "local_date"
) -> Iterator[Condition]:
    """Answer the conditions that something starts from then, and until then, both included.

    An instant is compared with the start itself, and a bare date with its date in its own zone. No zone is a day from
    UTC, so a bare date bounds the start too: that bound is what an index can serve.

    Args:
        since: the first instant or date.
        until: the last one.
        local_date: its date in its own zone, in SQL.
    """
    if isinstance(since, datetime) or since is None:
        yield "start_time >=", since
    else:
        yield f"{local_date} >=", since
        yield "start_time >=", _midnight(max(since, EARLIEST.date())) - _DAY
    if isinstance(until, datetime) or until is None:
        yield "start_time <=", until
    else:
        yield f"{local_date} <=", until
        yield "start_time <=", _midnight(min(until, LATEST.date())) + 2 * _DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
