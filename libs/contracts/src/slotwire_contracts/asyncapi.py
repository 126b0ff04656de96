"""The AsyncAPI 3.0 document: which topics there are, what their keys mean, which messages they carry.

Invariant: it names every topic, every type of the catalog and the records of attempts, and takes their schemas from the
files beside it.
"""

from collections.abc import Iterable
from typing import Any

from slotwire_contracts.catalog import CATALOG, CatalogEntry
from slotwire_contracts.codec import CONTENT_TYPE, HEADERS
from slotwire_contracts.envelope import SCHEMA_VERSION
from slotwire_contracts.schemas import ENVELOPE, file_name
from slotwire_contracts.topics import TOPICS, WEBHOOK_ATTEMPTS, Topic, dead_letters
from slotwire_contracts.webhook_attempts import ATTEMPTS_CONTENT_TYPE, ATTEMPTS_HEADERS, WebhookAttempts

__all__ = ["FILE_NAME", "document"]

FILE_NAME = "asyncapi.json"
"""The document's file."""

_BINDING_VERSION = "0.5.0"
_HOUR_MS = 3_600_000
_EVERY = (*TOPICS, WEBHOOK_ATTEMPTS)


def document() -> dict[str, Any]:
    """Make the document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Slotwire events",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": (
                "Every change of a booking, a waitlist entry or a webhook, told once,"
                " as a CloudEvents 1.0 document on Kafka."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": dict(_channels()),
        "operations": {f"{topic.owner}.sends.{topic.name}": _operation(topic) for topic in _EVERY},
        "components": {
            "messages": {
                **{entry.type: _message(entry) for entry in CATALOG.values()},
                WEBHOOK_ATTEMPTS.name: _attempts(),
            }
        },
    }


def _channels() -> Iterable[tuple[str, dict[str, Any]]]:
    for topic in _EVERY:
        messages = {kind: {"$ref": f"#/components/messages/{kind}"} for kind in _types(topic)}
        summary = f"Written by {topic.owner}; a record's key is the {topic.key}."
        yield topic.name, {**_channel(topic, summary), "messages": messages}
        aside = dead_letters(topic)
        summary = f"Records of {topic.name} that a consumer could not handle, as they came; the reason is in a header."
        yield aside.name, _channel(aside, summary)


def _channel(topic: Topic, summary: str) -> dict[str, Any]:
    return {
        "address": topic.name,
        "summary": summary,
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": topic.retention_hours * _HOUR_MS},
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operation(topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind}"} for kind in _types(topic)],
    }


def _types(topic: Topic) -> list[str]:
    if topic == WEBHOOK_ATTEMPTS:
        return [WEBHOOK_ATTEMPTS.name]
    return [entry.type for entry in CATALOG.values() if entry.topic == topic]


def _message(entry: CatalogEntry) -> dict[str, Any]:
    return {
        "name": entry.type,
        "summary": entry.model.__doc__,
        "contentType": CONTENT_TYPE,
        "headers": _headers(HEADERS),
        "payload": {
            "allOf": [{"$ref": f"./{file_name(ENVELOPE)}"}],
            "properties": {
                "type": {"const": entry.type},
                "dataschema": {"const": entry.dataschema},
                "data": {"$ref": f"./{file_name(entry.type)}"},
            },
        },
        "bindings": _key(f"The {entry.topic.key}: the attribute `subject`."),
    }


def _attempts() -> dict[str, Any]:
    return {
        "name": WEBHOOK_ATTEMPTS.name,
        "summary": WebhookAttempts.__doc__,
        "contentType": ATTEMPTS_CONTENT_TYPE,
        "headers": _headers(ATTEMPTS_HEADERS),
        "payload": {"$ref": f"./{file_name(WEBHOOK_ATTEMPTS.name)}"},
        "bindings": _key(f"The {WEBHOOK_ATTEMPTS.key}."),
    }


def _headers(given: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"const": value.decode()} for name, value in given}}


def _key(description: str) -> dict[str, Any]:
    return {"kafka": {"key": {"type": "string", "description": description}, "bindingVersion": _BINDING_VERSION}}
