"""The domain's words and the public catalog's are the same."""

from datetime import timedelta
from typing import get_args

import pytest

from booking.api.fields import LocationType
from booking.domain.booking import UPDATED_FIELDS, Booking, FieldChange
from booking.domain.facts import Assigned, Created, Event, Fact, StatusChanged, Unassigned, Updated
from booking.domain.status import Status
from booking.service.events import entry_of, event_of, message_of
from booking.service.snapshots import snapshot
from chassis.origin import Origin
from slotwire_contracts import CATALOG, ReservationStatus, decode
from slotwire_contracts import LocationType as ContractLocationType
from slotwire_contracts.reservation_changes import FieldChanges
from support.booking_values import CLIENT, NOW, STAFF, START, a_booking
from support.catalog_events import a_catalog_event

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def happening(fact: Fact, booking: Booking | None = None) -> Event:
    return Event("evt_9", 3, NOW, fact, booking or a_booking())


def test_statuses_location_types_and_updated_fields_are_the_contracts() -> None:
    assert {status.value for status in Status} == {status.value for status in ReservationStatus}
    assert set(get_args(LocationType)) == {kind.value for kind in ContractLocationType}
    assert tuple(FieldChanges.model_fields) == UPDATED_FIELDS


@pytest.mark.parametrize(
    ("fact", "type_", "change"),
    [
        (Created("widget", 4, walk_in=False), "created", {"source": "widget", "party_size": 4}),
        (Created("api", 1, walk_in=True), "created", {"source": "api", "party_size": 1, "walk_in": True}),
        (
            Created("waitlist", 2, walk_in=False, waitlist_entry_id="wle_1"),
            "created",
            {"source": "waitlist", "party_size": 2, "waitlist_entry_id": "wle_1"},
        ),
        (Updated({}), "updated", {"changes": {}}),
        (
            Updated({"start_time": FieldChange(START, START + timedelta(days=1)), "title": FieldChange(None, "Tea")}),
            "updated",
            {
                "changes": {
                    "start_time": {"from": "2026-06-02T10:00:00Z", "to": "2026-06-03T10:00:00Z"},
                    "title": {"from": None, "to": "Tea"},
                }
            },
        ),
        (Assigned(("tbl_1",)), "assigned", {"table_ids": ["tbl_1"]}),
        (Unassigned(("tbl_1", "tbl_2")), "unassigned", {"table_ids": ["tbl_1", "tbl_2"]}),
        *(
            (
                StatusChanged(Status.PENDING, status, None),
                status.lower(),
                {"from_status": "pending", "to_status": status.lower()},
            )
            for status in Status
        ),
        (
            StatusChanged(Status.CONFIRMED, Status.CANCELLED, "rain"),
            "cancelled",
            {"from_status": "confirmed", "to_status": "cancelled", "reason": "rain"},
        ),
    ],
)
def test_every_fact_has_its_event(fact: Fact, type_: str, change: dict[str, object]) -> None:
    event = event_of(happening(fact), STAFF, Origin("req_1"))
    entry = entry_of(event)
    assert (entry.event_id, entry.sequence, entry.created_at) == ("evt_9", 3, NOW)
    assert (entry.type, entry.data) == (f"reservation.{type_}", change)


def test_a_message_carries_the_whole_event_under_the_bookings_id() -> None:
    booking = a_booking(metadata={"a": [1, None]}, location_type="phone", table_ids=("tbl_1",))
    event = event_of(happening(Updated({}), booking), CLIENT, Origin("req_1", TRACE))
    message = message_of(event)
    assert (message.event_id, message.topic, message.key) == ("evt_9", "booking.events", b"bk_1")
    told = decode(message.value)
    assert told == event
    assert (told.actor, told.correlationid, told.traceparent) == ("client", "req_1", TRACE)
    assert (told.subject, told.orgid, told.source) == ("bk_1", "org_1", "/slotwire/booking")
    assert told.data.resource == snapshot(booking)


@pytest.mark.parametrize("kind", CATALOG)
def test_its_topic_gets_every_event_under_the_id_of_what_it_is_about(kind: str) -> None:
    event = a_catalog_event(kind)
    message = message_of(event)
    topic = CATALOG[kind].topic.name
    assert (message.event_id, message.topic, message.key) == (event.id, topic, event.subject.encode())
    assert decode(message.value) == event
