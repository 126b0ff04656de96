"""The AsyncAPI document is one by AsyncAPI's own rules, and holds together: whatever it points to is there."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from slotwire_contracts import CATALOG, TOPICS, WEBHOOK_ATTEMPTS, Topic, dead_letters, encode
from slotwire_contracts.generate import SCHEMAS
from support.catalog_events import a_catalog_event

DOCUMENT = json.loads((SCHEMAS / "asyncapi.json").read_text())
RULES = Draft7Validator(json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.json").read_text()))


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
    assert [error.message for error in RULES.iter_errors(DOCUMENT)] == []
    assert DOCUMENT["defaultContentType"] == "application/cloudevents+json"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(asyncapi="2.6.0"),
        lambda d: d["info"].pop("version"),
        lambda d: d["channels"]["booking.events"].update(publish={}),
        lambda d: d["channels"]["booking.events"]["bindings"]["kafka"].update(partitions=0),
        lambda d: d["operations"]["booking.sends.booking.events"].update(action="shout"),
        lambda d: d["components"]["messages"]["reservation.created"].update(contentType=1),
        lambda d: d["components"]["messages"]["reservation.created"]["bindings"]["kafka"].update(key="the id"),
    ],
)
def test_a_document_that_is_none_would_be_noticed(spoil: Callable[[dict[str, Any]], object]) -> None:
    spoilt = copy.deepcopy(DOCUMENT)
    spoil(spoilt)
    assert not RULES.is_valid(spoilt)


def types_of(topic: Topic) -> set[str]:
    return {kind for kind, entry in CATALOG.items() if entry.topic == topic} or {topic.name}


EVERY_TOPIC = pytest.mark.parametrize("topic", [*TOPICS, WEBHOOK_ATTEMPTS], ids=lambda topic: topic.name)


@EVERY_TOPIC
def test_a_topic_carries_each_of_its_messages_under_its_key(topic: Topic) -> None:
    for one, kinds in ((topic, types_of(topic)), (dead_letters(topic), set())):
        channel = DOCUMENT["channels"][one.name]
        kafka = channel["bindings"]["kafka"]
        assert (channel["address"], kafka["topic"], kafka["partitions"]) == (one.name, one.name, one.partitions)
        assert kafka["topicConfiguration"]["retention.ms"] == one.retention_hours * 3_600_000
        assert channel.get("messages", {}).keys() == kinds
    for kind, reference in DOCUMENT["channels"][topic.name]["messages"].items():
        message = resolve(reference["$ref"])
        assert message["name"] == kind
        assert topic.key in message["bindings"]["kafka"]["key"]["description"]


@EVERY_TOPIC
def test_the_owner_sends_every_message_of_its_topic(topic: Topic) -> None:
    operation = DOCUMENT["operations"][f"{topic.owner}.sends.{topic.name}"]
    assert operation["action"] == "send"
    assert resolve(operation["channel"]["$ref"])["address"] == topic.name
    sent = [resolve(resolve(each["$ref"])["$ref"])["name"] for each in operation["messages"]]
    assert set(sent) == types_of(topic)


def test_a_payload_names_the_attributes_that_a_record_has() -> None:
    for kind in CATALOG:
        content = json.loads(encode(a_catalog_event(kind)))
        payload = DOCUMENT["components"]["messages"][kind]["payload"]
        assert payload["allOf"] == [{"$ref": "./envelope.json"}]
        assert payload["properties"]["type"] == {"const": content["type"]}
        assert payload["properties"]["dataschema"] == {"const": content["dataschema"]}
        assert resolve(payload["properties"]["data"]["$ref"])["$id"] == content["dataschema"]
