"""How an event becomes a record of a topic and back: one CloudEvents 1.0 JSON document, structured mode.

Invariant: `decode(encode(event)) == event`; a record that a newer producer wrote well is never an error.
"""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from slotwire_contracts.catalog import CATALOG, CatalogEvent
from slotwire_contracts.envelope import Event, UnknownEvent

__all__ = ["CONTENT_TYPE", "HEADERS", "AnyEvent", "DecodeError", "decode", "encode", "reason_of", "record_key"]

CONTENT_TYPE = "application/cloudevents+json"
"""The media type of a record's value."""

HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", CONTENT_TYPE.encode()),)
"""The headers of every record (CloudEvents Kafka binding 1.0, section 3.3)."""

AnyEvent = CatalogEvent | UnknownEvent
"""What a reader may meet."""

_KNOWN: TypeAdapter[CatalogEvent] = TypeAdapter(CatalogEvent)


class DecodeError(ValueError):
    """A record's value is no event; the message says why."""


def encode(event: Event[Any]) -> bytes:
    """Write an event as a record's value."""
    return event.model_dump_json().encode()


def decode(value: bytes) -> AnyEvent:
    """Read a record's value.

    Returns:
        A type's own model; `UnknownEvent` if the catalog does not know the type or the version of its data.

    Raises:
        DecodeError: the value is no CloudEvent of ours, or contradicts the schema that it names.
    """
    try:
        event = _KNOWN.validate_json(value, strict=True)
    except ValidationError as error:
        return _unknown_or_refused(value, error)
    return event if _has_known_schema(event) else _read_unknown(value)


def record_key(event: Event[Any]) -> bytes:
    """Tell a record's key: the id of the resource, so that one resource's events keep their order."""
    return event.subject.encode()


def _unknown_or_refused(value: bytes, refusal: ValidationError) -> UnknownEvent:
    event = _read_unknown(value)
    if _has_known_schema(event):
        raise DecodeError(reason_of(refusal)) from refusal
    return event


def _read_unknown(value: bytes) -> UnknownEvent:
    try:
        return UnknownEvent.model_validate_json(value, strict=True)
    except ValidationError as error:
        raise DecodeError(reason_of(error)) from error


def _has_known_schema(event: Event[Any]) -> bool:
    entry = CATALOG.get(event.type)
    return entry is not None and entry.dataschema == event.dataschema


def reason_of(error: ValidationError) -> str:
    """Name what is wrong and where, without the values: they may be personal."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_context=False, include_url=False)
    )
