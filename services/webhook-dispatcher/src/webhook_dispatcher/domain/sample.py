"""An event that never happened, for trying an endpoint out.

Invariant: a sample reads like an event of its type, its data as the type's schema says, and carries `"test": true`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slotwire_contracts import CATALOG
from webhook_dispatcher.domain.envelope import envelope

_TEXTS: Mapping[str, str] = {
    "timezone": "Europe/Berlin",
    "attendee_timezone": "Europe/Berlin",
    "attendee_email": "test@example.com",
    "email": "test@example.com",
    "preferredStartTime": "19:00",
    "preferredEndTime": "21:00",
    "timeZone": "Europe/Berlin",
    "claimUrl": "https://example.com/w/test",
}


def sample_envelope(event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
    """Lay out what follows the `id` in the body of a test.

    Args:
        event_type: a public type of the catalog.
        event_id: a fresh id.
        now: the present, in UTC.
    """
    event = sample_event(event_type, event_id, now)
    told = envelope(event)
    return {**told, "data": {**told["data"], "test": True}}


def sample_event(event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
    """Make an event of a type of the catalog up, as it would stand on its topic."""
    entry = CATALOG[event_type]
    schema = entry.model.model_json_schema(mode="serialization")
    made: dict[str, Any] = _Example(schema.get("$defs", {}), now).of(schema)
    resource = made["data"]["resource"]
    return {**made, "id": event_id, "source": entry.source, "subject": resource["id"], "dataschema": entry.dataschema}


class _Example:
    """The least value that a JSON Schema of the contracts allows."""

    def __init__(self, definitions: Mapping[str, Any], now: datetime) -> None:
        self._definitions = definitions
        self._formatted = {"date-time": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "date": now.strftime("%Y-%m-%d")}

    def of(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """Make one up for a field of a name."""
        if "$ref" in schema:
            return self.of(self._definitions[schema["$ref"].rsplit("/", 1)[1]], name)
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0], name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        return self._of_type(schema, name)

    def _of_type(self, schema: Mapping[str, Any], name: str) -> Any:
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                return {each: self.of(fields[each], each) for each in schema.get("required", ())}
            case "array":
                return [self.of(schema["items"])] * schema.get("minItems", 0)
            case "integer" | "number":
                return schema.get("minimum", 0)
            case "boolean":
                return False
            case _:
                return self._text(schema, name)

    def _text(self, schema: Mapping[str, Any], name: str) -> str:
        if (formatted := self._formatted.get(schema.get("format", ""))) is not None:
            return formatted
        return _TEXTS.get(name, f"test_{name}" if name == "id" or name.endswith(("_id", "Id")) else "Test")
