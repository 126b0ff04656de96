"""Pages of bookings: which rows, in which order, and what is said about the rest.

Invariant: without defects the pages of an unchanging list hold each of its rows once.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from support.calcom.asking import Asked, is_meant
from support.calcom.defects import Defects
from support.calcom.rows import Booking
from support.calcom.telling import has_no_updated_at, written

_KEYS: Mapping[str, Callable[[Booking], datetime]] = {
    "sortStart": lambda row: row.start,
    "sortEnd": lambda row: row.end,
    "sortCreated": lambda row: row.created_at,
    "sortUpdatedAt": lambda row: row.updated_at,
}


class Lists:
    """Answers lists of rows; what is random about them comes from the one given."""

    def __init__(self, defects: Defects, random: Random) -> None:
        self._defects = defects
        self._random = random

    def page(self, rows: Sequence[Booking], what: Asked, now: datetime) -> tuple[list[Booking], dict[str, Any]]:
        """Choose a page by `take` and `skip`, and say where it lies."""
        meant = [row for row in rows if is_meant(row, what, now)]
        found = self._sorted([row for row in meant if self._is_within(row, what.bounds)], what)
        chosen = found[what.skip : what.skip + what.take]
        by_start = {name: at for name, at in what.bounds.items() if name in {"afterStart", "beforeEnd"}}
        counted = [row for row in meant if self._is_within(row, by_start)] if self._defects.wrong_totals else found
        total = len(counted)
        if found and self._defects.trailing_pages:
            total = -(-total // what.take) * what.take + self._defects.trailing_pages * what.take
        return chosen, _position(total, len(chosen), what)

    def page_by_cursor(
        self, rows: Sequence[Booking], what: Asked, now: datetime
    ) -> tuple[list[Booking], dict[str, Any]]:
        """Choose a page of the version with cursors, whose order follows from the status."""
        meant = [row for row in rows if is_meant(row, what, now) and self._is_within(row, what.bounds)]
        sign = -1 if {"past", "cancelled"} & set(what.statuses) else 1
        after = _position_of(what.cursor)

        def place(row: Booking) -> tuple[float, int]:
            return sign * row.start.timestamp(), sign * row.id

        left = sorted((row for row in meant if after is None or place(row) > after), key=place)
        chosen, more = left[: what.take], len(left) > what.take
        cursor = base64.urlsafe_b64encode(json.dumps(place(chosen[-1])).encode()).decode() if more else None
        if self._defects.offset_in_cursor_mode:
            return chosen, _position(len(meant), len(chosen), what)
        return chosen, {"nextCursor": cursor, "hasMore": more}

    def _sorted(self, rows: list[Booking], what: Asked) -> list[Booking]:
        if self._defects.no_tie_breaker:
            self._random.shuffle(rows)
        else:
            rows.sort(key=lambda row: row.id)
        return sorted(rows, key=_KEYS[what.sort], reverse=what.descending)

    def _is_within(self, row: Booking, bounds: Mapping[str, datetime]) -> bool:
        told_no_update = has_no_updated_at(row, self._defects)
        return all(
            (name == "afterStart" and self._defects.ignores_after_start)
            or (_holds(row, name, at) and not (told_no_update and name.endswith("UpdatedAt")))
            for name, at in bounds.items()
        )


def _holds(row: Booking, name: str, at: datetime) -> bool:
    value = {"Start": row.start, "End": row.end, "CreatedAt": row.created_at, "UpdatedAt": row.updated_at}[
        name.removeprefix("after").removeprefix("before")
    ]
    return value >= at if name.startswith("after") else value <= at


def _position(total: int, returned: int, what: Asked) -> dict[str, Any]:
    pages = -(-total // what.take)
    page = what.skip // what.take + 1 if total else 0
    return {
        "totalItems": total,
        "remainingItems": max(0, total - what.skip - what.take),
        "returnedItems": returned,
        "itemsPerPage": what.take,
        "currentPage": page,
        "totalPages": pages,
        "hasNextPage": page < pages,
        "hasPreviousPage": page > 1,
    }


def _position_of(cursor: str | None) -> tuple[float, int] | None:
    if cursor is None:
        return None
    start, number = json.loads(base64.urlsafe_b64decode(cursor))
    return start, number


def old_shape(rows: Sequence[Booking]) -> dict[str, Any]:
    """Write a list as version 2024-04-15 does: ten rows in an object of its own."""
    first = [
        {"id": row.id, "uid": row.uid, "title": row.title, "startTime": written(row.start), "endTime": written(row.end)}
        for row in rows[:10]
    ]
    return {"bookings": first, "recurringInfo": [], "totalCount": len(rows), "nextCursor": 10 if rows[10:] else None}
