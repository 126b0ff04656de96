"""Secrets, signatures, bodies, patterns and retry policies."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json
from standardwebhooks.webhooks import Webhook

from slotwire_contracts import CATALOG, encode, public_types
from support.catalog_events import RESOURCES, a_catalog_event
from webhook_dispatcher.domain.envelope import body_of, envelope, type_of
from webhook_dispatcher.domain.events import expand
from webhook_dispatcher.domain.exchange import storable
from webhook_dispatcher.domain.retry import parse_policy
from webhook_dispatcher.domain.signature import format_secret, parse_secret, sign
from webhook_dispatcher.service.composition import compose


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200), st.integers(10**9, 2 * 10**9))
def test_signatures_are_those_of_the_standardwebhooks_library(key: bytes, body: bytes, timestamp: int) -> None:
    text = body.decode("latin-1")
    theirs = Webhook(format_secret(key)).sign("dlv_1", datetime.fromtimestamp(timestamp, UTC), text)
    for _ in range(2):
        assert sign(key, "dlv_1", timestamp, text.encode()) == theirs
    assert parse_secret(format_secret(key)) == key


@pytest.mark.parametrize("kind", public_types())
def test_data_is_the_snapshot_with_the_change_beside_it(kind: str) -> None:
    """Webhook rules: «`data` is the snapshot spread, with the `change` keys beside it.»

    Webhook rules: «`event` is the catalog type; `resource` is `reservation`, `waitlist_entry` or
    `webhook_subscription`.»
    """
    event = a_catalog_event(kind)
    body: dict[str, Any] = json.loads(body_of("dlv_1", compose(encode(event)).tail))
    assert list(body)[:2] == ["id", "event"]
    assert (body["id"], body["resource"]) == ("dlv_1", CATALOG[kind].resource)
    change = from_json(encode(event))["data"]["change"]
    assert {key: body["data"][key] for key in change} == change
    snapshot = RESOURCES[CATALOG[kind].resource]
    assert {key: value for key, value in body["data"].items() if key not in change} == {
        key: value for key, value in snapshot.items() if key not in change
    }
    assert type_of(compose(encode(event)).tail) == kind
    assert list(envelope(from_json(encode(event)))) == list(body)[1:]


def test_patterns_stand_for_public_types_only() -> None:
    families = ["reservation.*", "waitlist_entry.*", "webhook_subscription.*"]
    assert expand(["*"]) == expand(families) == set(public_types())
    assert expand(["reservation.seated"]) == {"reservation.seated"}
    assert expand(["reservation.assigned", "gone.*", ""]) == set()


@pytest.mark.parametrize("kind", [kind for kind, entry in CATALOG.items() if not entry.public])
def test_no_pattern_stands_for_bookkeeping(kind: str) -> None:
    """«topic only (bookkeeping: never in feed or webhooks)»"""
    assert kind not in expand(["*", f"{CATALOG[kind].resource}.*", kind])


def test_a_formula_grows_up_to_its_cap() -> None:
    policy = parse_policy({"base": 0.5, "factor": 3, "cap": 10, "number": 5})
    assert policy is not None
    assert policy.pauses == (0.5, 1.5, 4.5, 10, 10)
    listed = parse_policy([0.1] * 20)
    assert listed is not None
    assert listed.pauses == (0.1,) * 20
    assert parse_policy([]) is not None
    assert parse_policy(None) is None


@given(st.text(st.characters(), max_size=50))
def test_any_text_can_be_stored(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    if text.isprintable() and text.isascii():
        assert stored == text
