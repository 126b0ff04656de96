"""Pieces of the API's requests and answers that its parts share.

Invariant: no value passes for one of another type, and every instant is written in UTC with milliseconds.
"""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from chassis.web import Input, Output
from webhook_dispatcher.domain.reading import Cut
from webhook_dispatcher.domain.times import parse_instant

READ, MANAGE = "webhooks.read", "webhooks.manage"
SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"

T = TypeVar("T")


class Body(Input):
    """A request's body: JSON's own types, so that neither `"4"` nor `true` passes for a number."""

    model_config = ConfigDict(strict=True)


class PageQuery(Input):
    """Which part of a list is wanted: so many, behind the one with that id."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    starting_after: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    @property
    def cut(self) -> Cut:
        """The part, as use cases take it."""
        return Cut(self.limit, self.starting_after)


class CursorList(Output, Generic[T]):
    """A page of a list, the newest first; `starting_after` the last one's id reads on."""

    data: list[T]
    has_more: bool


class ShownCount(Output):
    """A number, and whether there are more than were counted."""

    count: int
    more: bool


def _given_instant(text: object) -> datetime:
    if not isinstance(text, str):
        raise ValueError("must be a string")  # noqa: TRY004 - pydantic turns a ValueError into a told flaw
    return parse_instant(text)


GivenInstant = Annotated[datetime, BeforeValidator(_given_instant)]
"""An instant as callers write it, in ISO 8601 with an offset."""


def _instant_text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(_instant_text, return_type=str)]
"""An instant in UTC with milliseconds: attempts follow each other within a second."""
