"""What is written is read again, and what a newer producer writes is never an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from slotwire_contracts import (
    CATALOG,
    HEADERS,
    CreatedChange,
    DecodeError,
    ReservationConfirmed,
    ReservationCreated,
    UnknownEvent,
    decode,
    encode,
    make_event,
    record_key,
)
from support.arbitrary_events import EVENTS
from support.catalog_events import RESOURCES, a_catalog_event, a_resource
from support.reservations import CHANGES, RESERVATION, a_reservation, an_event


def document(event: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(encode(event))
    return content


def written(**other: Any) -> bytes:
    """Write a confirmed event with some attributes replaced; those given as ... are left out."""
    changed = {**document(an_event()), **other}
    return json.dumps({key: value for key, value in changed.items() if value is not ...}).encode()


@given(EVENTS)
def test_what_is_written_is_read_again(event: Any) -> None:
    again = decode(encode(event))
    assert again == event
    assert type(again) is CATALOG[event.type].model
    assert encode(again) == encode(event)


def test_a_record_has_every_attribute_of_the_envelope() -> None:
    event = an_event(correlationid="req_1", causationid="evt_0", traceparent="00-4bf9-00f0-01")
    assert document(event) == {
        "specversion": "1.0",
        "id": "evt_01hzy",
        "source": "/slotwire/booking",
        "type": "reservation.confirmed",
        "subject": "bk_abc123",
        "time": "2024-01-02T12:30:00.250000Z",
        "datacontenttype": "application/json",
        "dataschema": "https://slotwire.dev/schemas/reservation.confirmed/1",
        "orgid": "org_abc123",
        "sequence": 2,
        "correlationid": "req_1",
        "causationid": "evt_0",
        "actor": "staff",
        "traceparent": "00-4bf9-00f0-01",
        "data": {
            "resource": dict(RESERVATION),
            "change": {"from_status": "pending", "to_status": "confirmed"},
        },
    }


def test_an_attribute_without_a_value_is_not_written() -> None:
    content = document(an_event(actor=None))
    assert not {"correlationid", "causationid", "actor", "traceparent"} & content.keys()
    assert "reason" not in content["data"]["change"]
    assert content["data"]["resource"]["event_type_id"] is None


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_every_type_is_read_as_its_own(kind: str) -> None:
    event = a_catalog_event(kind)
    again = decode(encode(event))
    assert (type(again), again) == (CATALOG[kind].model, event)


def test_the_key_is_the_resources_id_and_the_header_tells_the_format() -> None:
    keys = {entry.resource: record_key(a_catalog_event(kind)).decode() for kind, entry in CATALOG.items()}
    assert keys == {resource: content.get("id", content.get("chain_id")) for resource, content in RESOURCES.items()}
    assert list(HEADERS) == [("content-type", b"application/cloudevents+json")]


def test_created_is_an_open_object() -> None:
    change = CreatedChange.model_validate({"source": "staff", "party_size": 2, "walk_in": True})
    event = decode(encode(an_event("reservation.created", change=change)))
    assert isinstance(event, ReservationCreated)
    assert event.data.change.model_dump() == {"source": "staff", "party_size": 2, "walk_in": True}


def test_updated_tells_from_and_to_of_the_changed_fields_alone() -> None:
    change: dict[str, Any] = {
        "changes": {
            "start_time": {"from": "2024-02-15T10:00:00Z", "to": "2024-02-15T12:00:00.900+02:00"},
            "title": {"from": None, "to": "Call"},
            "metadata": {"from": {}, "to": {"seat": None}},
        }
    }
    content = document(an_event("reservation.updated", change=change))
    change["changes"]["start_time"]["to"] = "2024-02-15T10:00:00Z"
    assert content["data"]["change"] == change


def test_a_table_only_change_is_an_empty_diff() -> None:
    """events.md section 2: "A table-only change has `{}`"."""
    content = document(an_event("reservation.updated", change={"changes": {}}))
    assert content["data"]["change"] == {"changes": {}}


def test_an_older_reader_skips_what_it_does_not_know() -> None:
    data = {
        "resource": {**RESERVATION, "mood": "good"},
        "change": {"from_status": "pending", "to_status": "confirmed", "by": "phone"},
        "more": 1,
    }
    event = decode(written(data=data, newextension="x"))
    assert isinstance(event, ReservationConfirmed)
    assert event == an_event()


@pytest.mark.parametrize(
    ("kind", "dataschema"),
    [
        ("reservation.dreamt", "https://slotwire.dev/schemas/reservation.dreamt/1"),
        ("reservation.confirmed", "https://slotwire.dev/schemas/reservation.confirmed/2"),
        ("reservation.confirmed", "https://example.com/other"),
    ],
)
@pytest.mark.parametrize("data", [{"resource": {"id": 7}}, {"resource": dict(RESERVATION)}, None, "text"])
def test_an_unknown_type_or_version_keeps_its_data_as_it_came(kind: str, dataschema: str, data: object) -> None:
    event = decode(written(type=kind, dataschema=dataschema, data=data, actor="robot"))
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.data, event.actor, event.sequence) == (kind, data, "robot", 2)
    assert decode(encode(event)) == event


def test_an_unknown_version_is_not_read_as_the_known_one_even_if_it_fits() -> None:
    content = document(an_event())
    event = decode(written(dataschema="https://slotwire.dev/schemas/reservation.confirmed/2"))
    assert isinstance(event, UnknownEvent)
    assert event.data == content["data"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "object"),
        (b"{}", "id: Field required"),
        (written(specversion="0.3"), "specversion"),
        (written(id=""), "id"),
        (written(id=...), "id: Field required"),
        (written(subject=...), "subject: Field required"),
        (written(orgid=...), "orgid: Field required"),
        (written(time="2024-01-02T12:30:00"), "time"),
        (written(time=1_700_000_000), "time"),
        (written(time="9999-12-31T23:59:59-01:00"), "outside the calendar"),
        (written(sequence=0), "sequence"),
        (written(sequence=2**31), "sequence"),
        (written(sequence="2"), "sequence"),
        (written(actor="robot"), "actor"),
        (written(data=...), "data: Field required"),
        (written(data={"resource": dict(RESERVATION)}), "change: Field required"),
        (written(data={"resource": {**RESERVATION, "status": "confirmed"}, "change": {}}), "data.resource.status"),
        (written(data={"resource": {**RESERVATION, "party_size": "2"}, "change": {}}), "data.resource.party_size"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(value: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode(value)


def test_a_reason_does_not_repeat_personal_values() -> None:
    resource = {**RESERVATION, "attendee_email": ["john@example.com"]}
    with pytest.raises(DecodeError) as refused:
        decode(written(data={"resource": resource, "change": dict(CHANGES["reservation.confirmed"])}))
    assert "attendee_email" in str(refused.value)
    assert "john" not in str(refused.value)


def test_a_type_outside_the_catalog_cannot_be_made() -> None:
    with pytest.raises(KeyError, match=r"reservation\.vanished"):
        make_event(
            "reservation.vanished",
            id="evt_1",
            time=an_event().time,
            resource=a_reservation(),
            change={},
            orgid="org_1",
            sequence=1,
            actor=None,
        )


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_an_event_cannot_be_made_of_another_kind_of_resource(kind: str) -> None:
    for resource in RESOURCES.keys() - {CATALOG[kind].resource}:
        with pytest.raises(ValidationError, match=r"data\.resource"):
            a_catalog_event(kind, resource=a_resource(resource))
