"""Pieces of request and answer models that all services share.

Invariants: an input model refuses keys that it does not know, so a misspelt field is an error and never ignored; what
a model's docstring says is published in the API's description, so it cites no source. Lists have the shape of seed 001.
"""

import re
import zoneinfo
from functools import lru_cache
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

T = TypeVar("T")
_NO_ZONES = {"localtime", "Factory"}  # files that stand among the zones and name none
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


class Input(BaseModel):
    """A request's body or query: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Output(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Data(Output, Generic[T]):
    """An answer of one thing."""

    data: T


class ListMeta(Output):
    """Where a page stands in its list."""

    total: int
    limit: int
    offset: int
    hasMore: bool  # noqa: N815 - the seed's spelling


class Listing(Output, Generic[T]):
    """A page of a list."""

    data: list[T]
    meta: ListMeta


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NO_ZONES


def _is_zone(value: str) -> str:
    if value not in _zones():
        raise PydanticCustomError("time_zone", "must be an IANA time zone such as Europe/Berlin")
    return value


def _is_email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise PydanticCustomError("email", "must be an email address")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""A line of text, trimmed, 1 to 500 characters."""

TimeZone = Annotated[str, AfterValidator(_is_zone), Field(json_schema_extra={"format": "iana-time-zone"})]
"""An IANA time zone."""

Email = Annotated[
    str, StringConstraints(max_length=254), AfterValidator(_is_email), Field(json_schema_extra={"format": "email"})
]
"""An email address, checked for its shape only."""
