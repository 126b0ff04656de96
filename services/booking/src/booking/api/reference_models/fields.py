"""Pieces of reference data's models.

Invariant: a `New…` model's fields are those of the domain's class; a `Changed…` model's fields may be left out, and
only those of `New…` that may be null may be null there.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from booking.api.fields import Body, Identifier, PageQuery, UtcSeconds
from booking.domain.times import EARLIEST, LATEST, LONGEST_BUFFER
from chassis.web import Output

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_MINUTES = 24 * 60
_LONGEST_MINUTES = 31 * _DAY_MINUTES
_YEAR_MINUTES = 366 * _DAY_MINUTES

WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class OpenHours(Body):
    """One stretch of a day; an end that is not after the start lies on the next day."""

    start: WallTime
    end: WallTime


def _is_date(text: str) -> str:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise PydanticCustomError("date", "must be a date that exists, such as 2026-02-15")
    if not EARLIEST.date() <= day <= LATEST.date():
        raise PydanticCustomError("bounds", f"must lie between {EARLIEST.date()} and {LATEST.date()}")
    return text


def _are_distinct(lengths: Sequence[int]) -> Sequence[int]:
    if len(set(lengths)) < len(lengths):
        raise PydanticCustomError("unique", "must not name a length twice")
    return lengths


Stretches = Annotated[list[OpenHours], Field(max_length=24)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WeeklyHours = Annotated[
    dict[Weekday, Stretches] | None,
    Field(description="When bookings are taken; null: at any time. A day left out is closed, and {} is always closed."),
]
Date = Annotated[str, AfterValidator(_is_date), Field(json_schema_extra={"format": "date"})]
DateOverrides = Annotated[
    dict[Date, Stretches],
    Field(
        max_length=366,
        description="When bookings are taken on single dates, instead of the weekly hours; [] is closed.",
    ),
]
Capacity = Annotated[int, Field(ge=1, le=1000)]
Duration = Annotated[int, Field(ge=1, le=_LONGEST_MINUTES)]
Durations = Annotated[
    list[Duration],
    Field(min_length=1, max_length=20, description="The lengths that may be booked; null: any."),
    AfterValidator(_are_distinct),
]
Buffer = Annotated[int, Field(ge=0, le=LONGEST_BUFFER // timedelta(minutes=1))]
OfferInterval = Annotated[int, Field(ge=1, le=_DAY_MINUTES)]
Notice = Annotated[int, Field(ge=0, le=_YEAR_MINUTES)]
Horizon = Annotated[int, Field(ge=1, le=36_600)]
Limit = Annotated[int, Field(ge=1, le=1_000_000)]
CompleteAfter = Annotated[
    int | None,
    Field(
        ge=0,
        le=_YEAR_MINUTES,
        description="How many minutes after its end a booking completes by itself; null: never.",
    ),
]


class ShownHours(Output):
    """One stretch of a day."""

    start: str
    end: str


ShownWeek = dict[str, list[ShownHours]]


class Stored(Output):
    """What kinds share."""

    id: str
    created_at: UtcSeconds
    updated_at: UtcSeconds


class Deleted(Output):
    """What is no more."""

    id: str
    deleted: Literal[True] = True


class OfLocation(PageQuery):
    """Which part of a list is wanted, and of which location."""

    location_id: Identifier | None = None


class OfSchedule(PageQuery):
    """Which part of a list is wanted, and of which schedule."""

    schedule_id: Identifier | None = None
