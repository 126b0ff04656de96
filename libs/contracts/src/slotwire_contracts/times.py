"""Instants as they stand in events: always UTC, always with a `Z`.

Invariant: a value of these types is aware and in UTC; a naive datetime is refused, another offset is converted.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, WithJsonSchema

__all__ = ["Instant", "PreciseInstant"]


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant lies outside the calendar once in UTC") from error


def _whole_second(value: datetime) -> datetime:
    value = _in_utc(value)
    return value.replace(microsecond=0) if value.microsecond else value


def _written(fraction: str) -> WithJsonSchema:
    pattern = rf"^\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}:\d{{2}}:\d{{2}}{fraction}Z$"
    return WithJsonSchema({"type": "string", "format": "date-time", "pattern": pattern})


Instant = Annotated[AwareDatetime, AfterValidator(_whole_second), _written("")]
"""An instant in whole seconds, `2024-02-15T10:00:00Z`; a fraction of a second is cut off."""

PreciseInstant = Annotated[AwareDatetime, AfterValidator(_in_utc), _written(r"(\.\d{1,6})?")]
"""An instant with up to six digits of a second, for the moment at which an event happened."""
