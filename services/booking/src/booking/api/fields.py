"""Pieces of this service's request and answer models."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from booking.domain.actors import Actor, ActorName
from booking.domain.listing import Found, Page
from booking.domain.times import parse_instant, parse_instant_or_date
from chassis.identity import Caller, KeyKind
from chassis.web import Input, ListMeta

_ACTORS: dict[KeyKind, ActorName] = {
    KeyKind.STAFF: "staff",
    KeyKind.ADMIN: "staff",
    KeyKind.CLIENT: "client",
    KeyKind.SERVICE: "system",
}


def actor_of(caller: Caller) -> Actor:
    """Tell who acts, as the rules see it."""
    return Actor(caller.org_id, _ACTORS[caller.kind], caller.client_id)


class Body(Input):
    """A request's body: JSON's own types, so that neither `"4"` nor `true` passes for a number."""

    model_config = ConfigDict(strict=True)


class PageQuery(Input):
    """Which part of a list is wanted (seed 001)."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0

    @property
    def page(self) -> Page:
        """The part, as use cases take it."""
        return Page(self.limit, self.offset)


def meta_of(found: Found[Any]) -> ListMeta:
    """Tell where a page stands in its list."""
    return ListMeta(total=found.total, limit=found.page.limit, offset=found.page.offset, hasMore=found.has_more)


UNSET: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out and may not be null: a default is not validated, a given null is."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - pydantic turns a ValueError into a told flaw
    return value


Instant = Annotated[
    datetime,
    BeforeValidator(lambda value: parse_instant(_text(value))),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-02-15T10:00:00Z"]}),
]
"""An instant in whole seconds with its offset."""

InstantOrDate = Annotated[
    datetime | date,
    BeforeValidator(lambda value: parse_instant_or_date(_text(value))),
]
"""An instant, or a date in the booking's own zone."""


def instant_text(instant: datetime) -> str:
    """Write an instant in UTC, in whole seconds, with `Z` (api.md section 2)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


UtcSeconds = Annotated[datetime, PlainSerializer(instant_text, return_type=str)]

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LocationType = Literal["in_person", "phone", "video", "custom"]
