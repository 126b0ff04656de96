"""What the types of events and the bodies of their deliveries look like, for every public type of the catalog."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from slotwire_contracts import CATALOG, encode, public_types
from support.catalog_events import a_catalog_event
from webhook_dispatcher.domain.envelope import body_of
from webhook_dispatcher.domain.ids import delivery_id
from webhook_dispatcher.service.composition import compose

CASINGS = {
    "reservation": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "webhook_subscription": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "waitlist_entry": re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*"),
}
EVENT_ID, SUBSCRIPTION_ID = "evt_01h455vb4pex5vsknk084sn02q", "sub_01h455vb4pex5vsknk084sn02q"


def body(kind: str) -> bytes:
    event = a_catalog_event(kind, id=EVENT_ID)
    return body_of(delivery_id(EVENT_ID, SUBSCRIPTION_ID), compose(encode(event)).tail)


def keys(value: Any) -> Iterator[str]:
    """All keys in some JSON, but for a guest's own metadata."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from () if key == "metadata" else keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


@pytest.mark.parametrize("kind", public_types())
def test_each_resource_has_one_casing_on_the_topic_and_in_webhooks(kind: str) -> None:
    """Webhook rules: «One casing for each resource, in its API, on the topic and in webhooks: reservations snake_case,
    waitlist entries camelCase.»
    """
    casing = CASINGS[CATALOG[kind].resource]
    on_topic = json.loads(encode(a_catalog_event(kind)))["data"]
    told = json.loads(body(kind))["data"]
    assert [key for key in (*keys(on_topic), *keys(told)) if not casing.fullmatch(key)] == []
    assert set(on_topic["resource"]) <= set(told)


@pytest.mark.parametrize("kind", public_types())
def test_types_are_hierarchical_and_of_few_characters(kind: str) -> None:
    """Standard Webhooks: «It's recommended that event types be formatted as an hierarchical, and full-stop delimited,
    list of identifiers, and that the identifiers would be limited to a limited set of characters `[a-zA-Z0-9_]`.»
    """
    resource, *rest = kind.split(".")
    assert resource == json.loads(body(kind))["resource"]
    assert rest
    assert all(re.fullmatch("[a-zA-Z0-9_]+", one) for one in (resource, *rest))


@pytest.mark.parametrize("kind", public_types())
def test_bodies_are_small(kind: str) -> None:
    """Standard Webhooks: «it's recommended to keep the size of payloads small, usually smaller than 20kb»"""
    assert len(body(kind)) < 4_000
