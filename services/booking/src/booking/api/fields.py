"""Pieces of this service's request and answer models.

Invariant: a request's instants are in UTC and in whole seconds once they have been read, and so are an answer's.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

from booking.domain.actors import Actor, ActorName
from booking.domain.listing import Found, Page
from booking.domain.times import NotATimeError, instant_text, parse_instant, parse_instant_or_date
from chassis.identity import Caller, KeyKind
from chassis.web import Input, ListMeta

T = TypeVar("T")
_ACTORS: dict[KeyKind, ActorName] = {
    KeyKind.STAFF: "staff",
    KeyKind.ADMIN: "staff",
    KeyKind.CLIENT: "client",
    KeyKind.SERVICE: "system",
}


def actor_of(caller: Caller) -> Actor:
    """Tell who acts, as the rules see it."""
    return Actor(caller.org_id, _ACTORS[caller.kind], caller.client_id, is_internal=caller.is_internal)


class Body(Input):
    """A request's body: JSON's own types, so that neither `"4"` nor `true` passes for a number."""

    model_config = ConfigDict(strict=True)


class PageQuery(Input):
    """Which part of a list is wanted."""

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


def _reading(read: Callable[[str], T]) -> BeforeValidator:
    """Read a text as a time, and tell what it breaks as a flaw of its field."""

    def parse(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "must be a string")
        try:
            return read(value)
        except NotATimeError as error:
            raise PydanticCustomError(error.rule, str(error)) from None

    return BeforeValidator(parse)


Instant = Annotated[
    datetime,
    _reading(parse_instant),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-02-15T10:00:00Z"]}),
]
"""An instant in whole seconds with its offset."""

InstantOrDate = Annotated[
    datetime | date,
    _reading(parse_instant_or_date),
]
"""An instant, or a date in the booking's own zone."""


UtcSeconds = Annotated[datetime, PlainSerializer(instant_text, return_type=str)]

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64)]
PartySize = Annotated[int, Field(ge=1, le=1000)]
LocationType = Literal["in_person", "phone", "video", "custom"]
