"""The AsyncAPI document holds together: whatever it points to is there."""

import json
from collections.abc import Iterator
from typing import Any

from slotwire_contracts import BOOKING_EVENTS, CATALOG, encode
from slotwire_contracts.generate import SCHEMAS
from support.catalog_events import a_catalog_event

DOCUMENT = json.loads((SCHEMAS / "asyncapi.json").read_text())


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(reference: str) -> Any:
    file, _, path = reference.partition("#")
    node = json.loads((SCHEMAS / file).read_text()) if file else DOCUMENT
    for key in path.split("/")[1:]:
        node = node[key]
    return node


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert found
    assert all(resolve(reference) for reference in found)


def test_the_document_is_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert DOCUMENT["defaultContentType"] == "application/cloudevents+json"


def test_the_topic_carries_every_type_under_its_key() -> None:
    channel = DOCUMENT["channels"]["booking.events"]
    assert channel["address"] == "booking.events"
    kafka = channel["bindings"]["kafka"]
    assert (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) == (12, 14 * 86_400_000)
    assert set(channel["messages"]) == set(CATALOG)
    for kind, reference in channel["messages"].items():
        message = resolve(reference["$ref"])
        assert message["name"] == kind
        assert BOOKING_EVENTS.key in message["bindings"]["kafka"]["key"]["description"]


def test_dead_letters_have_their_channel() -> None:
    kafka = DOCUMENT["channels"]["booking.events.dlq"]["bindings"]["kafka"]
    assert (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) == (1, 30 * 86_400_000)


def test_the_owner_sends_every_message_of_its_topic() -> None:
    (operation,) = DOCUMENT["operations"].values()
    assert operation["action"] == "send"
    assert resolve(operation["channel"]["$ref"])["address"] == "booking.events"
    sent = [resolve(resolve(each["$ref"])["$ref"])["name"] for each in operation["messages"]]
    assert sorted(sent) == sorted(CATALOG)


def test_a_payload_names_the_attributes_that_a_record_has() -> None:
    for kind in CATALOG:
        content = json.loads(encode(a_catalog_event(kind)))
        payload = DOCUMENT["components"]["messages"][kind]["payload"]
        assert payload["allOf"] == [{"$ref": "./envelope.json"}]
        assert payload["properties"]["type"] == {"const": content["type"]}
        assert payload["properties"]["dataschema"] == {"const": content["dataschema"]}
        assert resolve(payload["properties"]["data"]["$ref"])["$id"] == content["dataschema"]
