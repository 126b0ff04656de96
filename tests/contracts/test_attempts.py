"""The records of `webhook.attempts`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from slotwire_contracts import (
    AttemptOutcome,
    DecodeError,
    DeliveryAttempt,
    WebhookAttempts,
    decode_attempts,
    encode_attempts,
)
from slotwire_contracts.generate import SCHEMAS
from support.arbitrary_events import INSTANTS, TEXT

ATTEMPTS = st.builds(
    DeliveryAttempt,
    delivery_id=TEXT,
    event_type=TEXT,
    number=st.integers(1, 100),
    started_at=INSTANTS,
    latency_ms=st.integers(0, 300_000),
    status=st.none() | st.integers(100, 599),
    error=st.none() | TEXT,
    outcome=st.sampled_from(AttemptOutcome),
)
RECORDS = st.builds(
    WebhookAttempts,
    subscription_id=TEXT,
    org_id=TEXT,
    active_since=INSTANTS,
    attempts=st.lists(ATTEMPTS, min_size=1, max_size=3),
)
SCHEMA = Draft202012Validator(json.loads((SCHEMAS / "webhook.attempts.json").read_text()))


@given(RECORDS)
def test_what_is_written_is_read_and_obeys_the_committed_schema(record: WebhookAttempts) -> None:
    value = encode_attempts(record)
    assert decode_attempts(value) == record
    assert not list(SCHEMA.iter_errors(json.loads(value)))


@given(RECORDS)
def test_what_a_newer_writer_adds_is_passed_over(record: WebhookAttempts) -> None:
    content: dict[str, Any] = json.loads(encode_attempts(record))
    content["new"] = content["attempts"][0]["new"] = {"deep": 1}
    assert decode_attempts(json.dumps(content).encode()) == record


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"no JSON", "JSON"),
        (b"{}", "subscription_id"),
        (b'{"subscription_id":"s","org_id":"o","active_since":"2024-01-01T00:00:00Z","attempts":[]}', "attempts"),
    ],
)
def test_what_is_no_record_is_refused_with_the_reason(value: bytes, told: str) -> None:
    with pytest.raises(DecodeError, match=told):
        decode_attempts(value)
