"""The JSON Schemas (2020-12) of what is published: the envelope, each type's data, and the records of attempts.

Invariant: they say what producers write, so a field that is always written is required, and none is closed: a reader
must expect keys that it does not know.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from slotwire_contracts.catalog import CATALOG
from slotwire_contracts.envelope import KnownEvent, schema_uri
from slotwire_contracts.topics import WEBHOOK_ATTEMPTS
from slotwire_contracts.webhook_attempts import WebhookAttempts

__all__ = ["ENVELOPE", "documents", "file_name"]

ENVELOPE = "envelope"
"""What the schema of the attributes around the data is called."""


class _PlainSchema(GenerateJsonSchema):
    """Leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def file_name(name: str) -> str:
    """Tell the file of a type's schema."""
    return f"{name}.json"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Make every schema, with its file's name."""
    yield file_name(ENVELOPE), _schema(ENVELOPE, KnownEvent[Any])
    for entry in CATALOG.values():
        data = entry.model.model_fields["data"].annotation
        yield file_name(entry.type), _schema(entry.type, data)
    yield file_name(WEBHOOK_ATTEMPTS.name), _schema(WEBHOOK_ATTEMPTS.name, WebhookAttempts)


def _schema(name: str, model: Any) -> dict[str, Any]:
    body = _body(model)
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": schema_uri(name), **body, "title": name}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization", schema_generator=_PlainSchema)
