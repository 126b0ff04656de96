"""What lists are asked for with, and the pages that come.

Invariant: where a list ends is told by what came, never by totals, which are wrong under some filters: by a page that
is short, or by a cursor that is lacking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from calcom_sync.client.models import BookingTold
from calcom_sync.domain.errors import CalcomMalformedError, CalcomWrongVersionError
from calcom_sync.domain.integration import Pagination
from calcom_sync.domain.row import Row

MOST = {Pagination.OFFSET: 250, Pagination.CURSOR: 100}
"""How many bookings a page may have."""


class Sort(StrEnum):
    """What a list is sorted by; rows that are equal in it come in any order, and in another one each time."""

    START = "sortStart"
    CREATED = "sortCreated"
    UPDATED = "sortUpdatedAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which bookings are wanted; all bounds are inclusive, and None is none.

    Attributes:
        after_start: those that start then or later.
        before_end: those that end then or earlier.
        after_created: those that were made then or later.
        after_updated: those that changed then or later; one that does not say when never does.
        sort: by what they are sorted, upwards.
    """

    after_start: datetime | None = None
    before_end: datetime | None = None
    after_created: datetime | None = None
    after_updated: datetime | None = None
    sort: Sort = Sort.START


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list a page begins: behind so many rows, or at a cursor."""

    skip: int = 0
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and where the next one begins; None behind the last."""

    rows: tuple[Row, ...]
    following: Position | None


_NAMES = {
    "after_start": "afterStart",
    "before_end": "beforeEnd",
    "after_created": "afterCreatedAt",
    "after_updated": "afterUpdatedAt",
}


def query(asked: Asked, position: Position, mode: Pagination) -> dict[str, str]:
    """Write the query of a page, as long as may be.

    Args:
        asked: which bookings.
        position: where the page begins.
        mode: how lists are asked for.
    """
    told = {asked.sort.value: "asc"}
    for field in fields(asked):
        bound = getattr(asked, field.name)
        if isinstance(bound, datetime):
            told[_NAMES[field.name]] = bound.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told["take" if mode is Pagination.OFFSET else "limit"] = str(MOST[mode])
    if position.cursor is not None:
        told["cursor"] = position.cursor
    elif position.skip or mode is Pagination.OFFSET:
        told["skip"] = str(position.skip)
    return told


def read_page(answer: Any, position: Position, asked_for: int) -> Page:
    """Read a page, its pagination by its shape.

    Args:
        answer: the answer's JSON.
        position: where the page begins.
        asked_for: how many rows were wanted.

    Raises:
        CalcomWrongVersionError: another version of the API answered.
        CalcomMalformedError: it is no page of bookings.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise CalcomWrongVersionError("Cal.com answered in the words of another version of its API: data is no list")
    if len(data) > asked_for:
        raise CalcomMalformedError(f"Cal.com answered {len(data)} bookings where {asked_for} were asked for at most")
    rows = read_rows(data)
    pagination = answer.get("pagination")
    return Page(rows, _following(pagination if isinstance(pagination, dict) else {}, position, len(rows), asked_for))


def read_rows(data: list[Any]) -> tuple[Row, ...]:
    """Read bookings.

    Raises:
        CalcomMalformedError: one is none.
    """
    rows = []
    for place, one in enumerate(data):
        try:
            rows.append(BookingTold.model_validate(one).row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(("data", str(place), *map(str, first["loc"])))
            raise CalcomMalformedError(f"Cal.com answered what is no booking: {where}: {first['msg']}") from None
    return tuple(rows)


def _following(pagination: Mapping[str, Any], position: Position, came: int, asked_for: int) -> Position | None:
    if "nextCursor" in pagination:
        cursor = pagination["nextCursor"]
        return Position(cursor=cursor) if isinstance(cursor, str) and cursor and came else None
    on_page = pagination.get("itemsPerPage")
    # Who answers fewer than were asked for has cut the pages short.
    full = min(asked_for, on_page) if isinstance(on_page, int) and on_page > 0 else asked_for
    return Position(skip=position.skip + came) if came >= full else None
