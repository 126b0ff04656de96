"""Pieces of this service's request and answer models (seed 000's shapes).

Invariant: keys are camelCase, and nothing but camelCase is taken.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from chassis.identity import Caller, KeyKind
from chassis.origin import Origin
from chassis.web import Call, Input, Output
from waitlist.domain.actors import Actor, ActorName
from waitlist.domain.errors import Flaw, ValidationFailedError
from waitlist.domain.times import NotATimeError, parse_date, parse_wall, parse_wall_or_instant

T = TypeVar("T")
READ, MANAGE = "booking_waitlist.read", "booking_waitlist.manage"
IF_MATCH = {"If-Match": "The version that the change was made looking at; if the entry has moved on, nothing changes."}

_ACTORS: dict[KeyKind, ActorName] = {
    KeyKind.STAFF: "staff",
    KeyKind.ADMIN: "staff",
    KeyKind.CLIENT: "client",
    KeyKind.SERVICE: "system",
}
_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
_PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){3})[0-9+() ./-]+")


def actor_of(caller: Caller) -> Actor:
    """Tell who acts, as the rules see it."""
    return Actor(caller.org_id, _ACTORS[caller.kind], caller.client_id)


def origin_of(call: Call) -> Origin:
    """Tell which request is behind a change."""
    return Origin(call.request_id, call.traceparent)


def version_of(call: Call) -> int | None:
    """Read `If-Match`: a version, bare or quoted; `*` asks for nothing more than that the entry is there.

    Raises:
        ValidationFailedError: it is neither.
    """
    given = call.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise ValidationFailedError(Flaw("If-Match", "must be an entry's version", "version"))
    return int(match[1])


class Body(Input):
    """A request's body: JSON's own types, so that neither `"4"` nor `true` passes for a number."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel)


class CamelOutput(Output):
    """An answer, or a part of one."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class Success(Output, Generic[T]):
    """An answer of one thing."""

    status: Literal["success"] = "success"
    data: T


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


def _is_phone(value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise PydanticCustomError("phone", "must be a phone number")
    return value


Day = Annotated[date, _reading(parse_date)]
"""`YYYY-MM-DD`."""

TimeOfDay = Annotated[
    time,
    _reading(parse_wall),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["19:30"]}),
]
"""`HH:MM`."""

PreferredTime = Annotated[
    time | datetime,
    _reading(parse_wall_or_instant),
    WithJsonSchema({"type": "string", "examples": ["19:30", "2026-02-15T19:30:00Z"]}),
]
"""`HH:MM` in the location's time zone, or an instant."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Phone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_is_phone)]
Notes = Annotated[str, StringConstraints(max_length=5000)]
PartySize = Annotated[int, Field(ge=1, le=1000)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]
