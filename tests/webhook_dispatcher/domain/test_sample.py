"""What an endpoint is tried out with."""

import json
from datetime import UTC, datetime

import pytest

from chassis.ids import new_id
from slotwire_contracts import UnknownEvent, decode, public_types
from webhook_dispatcher.domain.sample import sample_envelope, sample_event

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("event_type", public_types())
def test_a_sample_reads_like_an_event_of_its_type(event_type: str) -> None:
    """What `POST …/test` sends, for every type of which webhooks tell.

    Standard Webhooks: «It's recommended to provide examples of the payload structure for each of the event types, as
    well as a formal specification of the structure (such as JSON Schema or OpenAPI).»
    """
    made = sample_event(event_type, new_id("evt"), NOW)
    read = decode(json.dumps(made).encode())
    assert not isinstance(read, UnknownEvent)
    assert (read.type, read.time) == (event_type, NOW)
    told = sample_envelope(event_type, made["id"], NOW)
    assert told["data"].pop("test") is True
    assert told["resourceId"] == made["subject"] == told["data"]["id"]
